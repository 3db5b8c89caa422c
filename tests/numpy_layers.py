"""The layers in plain NumPy and float64, written from the papers' equations with loops.

Axes are B (batch), T (time), N (nodes), F (features). Weights keep the names they have in the
layers, so that a test can hand them over by name.
"""

import numpy as np

TOLERANCE = 1e-5  # of the largest entry


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def softmax(z, axis):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def scaled_laplacian(adjacency, lambda_max=2.0):
    """2 L / λ_max - I with L = I - D^-1/2 A D^-1/2, entry by entry; (N, N)."""
    degree = adjacency.sum(axis=1)
    result = np.zeros_like(adjacency, dtype="float64")
    for n in range(len(adjacency)):
        for m in range(len(adjacency)):
            entry = float(n == m)
            if degree[n] > 0 and degree[m] > 0:
                entry -= adjacency[n, m] / np.sqrt(degree[n] * degree[m])
            result[n, m] = 2.0 * entry / lambda_max - float(n == m)
    return result


def renormalized_adjacency(adjacency):
    """D̃^-1/2 Ã D̃^-1/2, where Ã has the missing self loops (Kipf 2017, sec. 2.2); (N, N)."""
    looped = np.array(adjacency, dtype="float64")
    for n in range(len(looped)):
        looped[n, n] = looped[n, n] or 1.0
    degree = looped.sum(axis=1)
    return looped / np.sqrt(np.outer(degree, degree))


def at(operator, b, t):
    """The (N, N) matrix for sample b and step t of an operator of rank 2, 3 or 4."""
    return operator[(b, t)[: operator.ndim - 2]]


def chebyshev_polynomials(operator, K):
    """T_0 … T_{K-1} of a matrix (Defferrard 2016, sec. 2.1)."""
    terms = [np.eye(len(operator)), operator]
    for _ in range(2, K):
        terms.append(2.0 * operator @ terms[-1] - terms[-2])
    return terms[:K]


def cheb_conv(x, operator, attention=None, *, kernel, bias=0.0):
    """Σ_k (T_k ⊙ S) x W_k + b (Guo 2019, eq. 10; without attention Defferrard 2016, eq. 4)."""
    y = np.zeros((*x.shape[:-1], kernel.shape[-1]))
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            terms = chebyshev_polynomials(at(operator, b, t), len(kernel))
            for k, term in enumerate(terms):
                mixed = term if attention is None else term * attention[b]
                y[b, t] += mixed @ x[b, t] @ kernel[k]
    return y + bias


def graph_conv(x, operator, *, kernel, bias=0.0):
    """Â x W + b (Kipf 2017, eq. 8)."""
    y = np.zeros((*x.shape[:-1], kernel.shape[-1]))
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            y[b, t] = at(operator, b, t) @ x[b, t] @ kernel
    return y + bias


def spectral_conv(x, basis, *, kernel, bias=0.0):
    """Φ Σ_i diag(w_ij) Φᵀ x_i (Bruna 2014, eq. 3.2), one input feature i and filter j a time."""
    y = np.zeros((*x.shape[:-1], kernel.shape[-1]))
    for i in range(kernel.shape[1]):
        for j in range(kernel.shape[2]):
            y[..., j] += x[..., i] @ (basis @ np.diag(kernel[:, i, j]) @ basis.T).T
    return y + bias


def adaptive_adjacency(x, *, source, target):
    """softmax(relu(E_1 E_2ᵀ)), pair by pair (Wu 2019, eq. 5)."""
    scores = [[max(0.0, mine @ other) for other in target] for mine in source]
    return softmax(np.array(scores), axis=1)


def node_embedding(x, *, embeddings):
    """The same vector of each node beside its features in every sample."""
    return np.stack([np.concatenate([sample, embeddings], axis=1) for sample in x])


def graph_pooling(x, clusters, pooling):
    """The maximum or mean over the listed nodes of each cluster."""
    reduce = {"max": np.max, "average": np.mean}[pooling]
    return np.stack([reduce(x[..., members, :], axis=-2) for members in clusters], axis=-2)


def time_conv(x, kernel, bias):
    """Explicit sum over the taps of a valid convolution along time."""
    taps = len(kernel)
    y = np.zeros((x.shape[0], x.shape[1] - taps + 1, x.shape[2], kernel.shape[-1]))
    for t in range(y.shape[1]):
        for tap in range(taps):
            y[:, t] += x[:, t + tap] @ kernel[tap]
    return y + bias


def gated_temporal_conv(
    x,
    *,
    gate,
    residual,
    kernel,
    bias,
    align_kernel=None,
    align_bias=None,
    residual_kernel=None,
    residual_bias=None,
):
    """Yu 2018, sec. 3.3, and the residual paths of its implementations."""
    convolved = time_conv(x, kernel, bias)
    filters = convolved.shape[-1] // 2
    p, q = convolved[..., :filters], convolved[..., filters:]
    if residual == "align":
        aligned = x[:, len(kernel) - 1 :]
        if align_kernel is not None:
            p = p + aligned @ align_kernel + align_bias
        else:
            p = p.copy()
            p[..., : x.shape[-1]] += aligned
    y = {"glu": p, "gtu": np.tanh(p)}[gate] * sigmoid(q)
    if residual == "conv":
        y = np.maximum(0.0, y + time_conv(x, residual_kernel, residual_bias))
    return y


def bilinear_temporal_attention(x, *, u1, u2, u3, b_e, v_e):
    """Guo 2019, eq. 6–7, in the published orientation: columns of E' sum to 1 and the signal is
    multiplied from the right. Returns the signal, and E' transposed, so that rows sum to 1."""
    signal, scores = np.zeros_like(x), []
    for b, sample in enumerate(x):  # (T, N, F)
        steps = len(sample)
        energy = np.zeros((steps, steps))
        for i in range(steps):
            for j in range(steps):
                energy[i, j] = (sample[i].T @ u1) @ u2 @ (sample[j] @ u3)
        columns = softmax(v_e @ sigmoid(energy + b_e), axis=0)
        for t in range(steps):
            signal[b, t] = sum(columns[s, t] * sample[s] for s in range(steps))
        scores.append(columns.T)
    return signal, np.stack(scores)


def dot_temporal_attention(x, *, query_kernel, key_kernel, value_kernel):
    """Vaswani 2017, eq. 1: scores from all features of all nodes of a step, value maps F to F.
    Returns the signal, and the scores (B, heads, T, T), without heads if there is one."""
    batch, steps, _, features = x.shape
    heads = value_kernel.shape[1]
    size = query_kernel.shape[1] // heads
    signal = np.zeros_like(x)
    scores = np.zeros((batch, heads, steps, steps))
    for b in range(batch):
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            queries = [step.reshape(-1) @ query_kernel[:, part] for step in x[b]]
            keys = [step.reshape(-1) @ key_kernel[:, part] for step in x[b]]
            scores[b, h] = softmax(np.array(queries) @ np.array(keys).T / np.sqrt(size), axis=1)
            for t in range(steps):
                for s in range(steps):
                    signal[b, t] += scores[b, h, t, s] * x[b, s] @ value_kernel[:, h]
    return signal, scores[:, 0] if heads == 1 else scores


def bilinear_spatial_attention(x, *, w1, w2, w3, b_s, v_s):
    """Guo 2019, eq. 8–9, columns of S' summing to 1 as published, then transposed; (B, N, N)."""
    scores = []
    for sample in x:  # (T, N, F)
        nodes = sample.shape[1]
        energy = np.zeros((nodes, nodes))
        for i in range(nodes):
            for j in range(nodes):
                energy[i, j] = (sample[:, i].T @ w1) @ w2 @ (sample[:, j] @ w3)
        scores.append(softmax(v_s @ sigmoid(energy + b_s), axis=0).T)
    return np.stack(scores)


def hops(operator, node, reach):
    """The nodes that `node` hears within `reach` hops, itself among them, by breadth-first search
    along the entries of its row, the rows of those it hears, and so on."""
    heard, frontier = {node}, {node}
    for _ in range(reach):
        frontier = {m for n in frontier for m in np.flatnonzero(operator[n])} - heard
        heard |= frontier
    return sorted(int(n) for n in heard)


def additive_spatial_attention(x, operator, *, K, slope, kernel, attention_kernel):
    """Veličković 2018, eq. 3, over the nodes within K - 1 hops (at any step); (B, N, N)."""
    batch, steps, nodes, _ = x.shape
    scores = np.zeros((batch, nodes, nodes))
    for b in range(batch):
        hidden = [x[b, :, n].reshape(-1) @ kernel for n in range(nodes)]
        for i in range(nodes):
            near = sorted({m for t in range(steps) for m in hops(at(operator, b, t), i, K - 1)})
            energy = []
            for j in near:
                e = attention_kernel[0] @ hidden[i] + attention_kernel[1] @ hidden[j]
                energy.append(e if e > 0 else slope * e)
            scores[b, i, near] = softmax(np.array(energy), axis=0)
    return scores


def layer_norm(x, *, axes, epsilon, gamma=1.0, beta=0.0):
    """γ (x - mean) / √(var + ε) + β (Ba 2016, eq. 3), over the last axes."""
    mean = x.mean(axis=axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def component_fusion(forecasts, *, kernel):
    """Σ_c W_c ⊙ y_c with a weight for each step and node (Guo 2019, eq. 12)."""
    y = np.zeros_like(forecasts[0])
    for component, forecast in enumerate(forecasts):
        for h in range(y.shape[1]):
            for n in range(y.shape[2]):
                y[:, h, n] += kernel[component, h, n] * forecast[:, h, n]
    return y


def standard_scaler(x, mean, std, inverse=False):
    """(x - mean) / std feature by feature, or back."""
    y = np.array(x)
    for f in range(x.shape[-1]):
        y[..., f] = x[..., f] * std[f] + mean[f] if inverse else (x[..., f] - mean[f]) / std[f]
    return y


def normal(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype("float32")


def directed_operators(nodes, *leading):
    """Operators of 8 entries at random places, so that a transposed one shows."""
    rng = np.random.default_rng(7)
    operator = np.zeros((int(np.prod(leading)), nodes, nodes), "float32")
    for matrix in operator:
        matrix.flat[rng.choice(nodes * nodes, 8, replace=False)] = rng.standard_normal(8)
    return operator.reshape(*leading, nodes, nodes)


def sparse_form(operator, shared=True):
    """The dict form of operators: one index for all, or one each, in an order of its own."""
    leading = operator.shape[:-2]
    matrices = operator.reshape(-1, *operator.shape[-2:])
    if shared:
        index = np.stack(np.nonzero(matrices.any(axis=0)))
        value = matrices[:, index[0], index[1]].reshape(*leading, -1)
        return {"index": index.astype("int32"), "value": value}
    rng = np.random.default_rng(0)
    index = np.stack([rng.permutation(np.stack(np.nonzero(m)), axis=1) for m in matrices])
    value = np.stack([m[tuple(i)] for m, i in zip(matrices, index, strict=True)])
    index = index.reshape(*leading, 2, -1).astype("int32")
    return {"index": index, "value": value.reshape(*leading, -1)}


def entries(dense, index):
    """The entries of dense operators at a sparse index."""
    leading = dense.shape[:-2]
    index = np.broadcast_to(index, (*leading, *index.shape[-2:]))
    rows = np.take_along_axis(dense, index[..., 0, :, None], axis=-2)
    return np.take_along_axis(rows, index[..., 1, :, None], axis=-1)[..., 0]


def assert_close(ours, expected):
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
