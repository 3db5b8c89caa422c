from __future__ import annotations

from typing import Any

import keras
from keras import initializers, ops

from stgkeras import kernels
from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class SpatialAttention(keras.layers.Layer):
    """Spatial attention: computes how much each node attends to each other node in a window.

        score="bilinear":  A[n, m] = softmax over m of S[m, n],  S = V_s σ(L R + b_s)
                           L[n] = (Σ_t w_1[t] x[t, n]) W_2,  R[t, n] = x[t, n] · w_3
        score="additive":  A[n, m] = softmax over m of LeakyReLU(a_1 · h[n] + a_2 · h[m])
                           h[n] = W x[n]

    A[n, m] is the attention of node n to node m. x[t, n] are the features of node n at step t, and
    x[n] are the features of all its steps in one vector. σ is the sigmoid. All other symbols are
    trainable weights: w_1 (time,), W_2 (features, time), w_3 (features,), V_s and b_s (nodes,
    nodes); a_1 and a_2 (units,), W (units, time · features).

    With "bilinear" every node can attend to every other node. With "additive" a node attends to
    itself and to the nodes within K - 1 hops in the graph; A is 0 for all other nodes.

    Args:
        score: str. "bilinear" or "additive". Default "bilinear".
        K: int. For "additive": the attention reaches K - 1 hops, as far as a `ChebConv` with the
            same K. Default 3.
        units: int. For "additive": the length of h[n]. Default 32.
        negative_slope: float. For "additive": the slope of the LeakyReLU below zero. Default 0.2.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: tensor (batch, time, nodes, features).
        graph: None, or the scaled Laplacian, dense or sparse, of rank 2, 3 or 4, or the output of a
            `StaticTerms` layer. "additive" needs a graph; "bilinear" ignores it. In a graph of rank
            4, nodes are neighbours if they are neighbours at any step. Default None.
        scores: None, or the scores of `TemporalAttention`, (batch, time, time). With scores, the
            attention is that of the signal Σ_s scores[t, s] x[s]; "bilinear" does not need to
            compute this signal. Default None.

    Returns:
        Tensor (batch, nodes, nodes), the attention A, with rows that sum to 1. For a graph from
        `StaticTerms`, a tensor (batch, pairs) with the attention of its pairs of nodes; no tensor
        of size nodes² is computed.

    Raises:
        ValueError: if an argument is invalid, an axis of `x` other than the batch is unknown, or
            "additive" has no graph.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.SpatialAttention()
        >>> tuple(layer(np.ones((2, 12, 5, 3), "float32")).shape)
        (2, 5, 5)

    Source:
        "bilinear": Guo et al., 2019, AAAI 33, eq. 8–9. "additive": Veličković et al., 2018,
        arXiv:1710.10903, eq. 3. Departs from the papers: for "bilinear", A is the transpose of
        Guo's matrix, so that row n is the attention of node n; "additive" reaches K - 1 hops,
        Veličković's attention one hop.
    """

    def __init__(
        self,
        score: str = "bilinear",
        *,
        K: int = 3,
        units: int = 32,
        negative_slope: float = 0.2,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.score = _checks.one_of("score", score, ("bilinear", "additive"))
        self.K = _checks.integer("K", K)
        self.units = _checks.integer("units", units)
        self.negative_slope = _checks.number("negative_slope", negative_slope)
        self.kernel_initializer = _checks.initializer("kernel_initializer", kernel_initializer)
        self.bias_initializer = _checks.initializer("bias_initializer", bias_initializer)

    def build(
        self, x_shape: tuple, graph_shape: Any = None, scores_shape: tuple | None = None
    ) -> None:
        _checks.known_axes(x_shape)
        _, time, nodes, features = x_shape
        if self.score == "bilinear":
            self.w1 = self._kernel("w1", (time,))
            self.w2 = self._kernel("w2", (features, time))
            self.w3 = self._kernel("w3", (features,))
            self.b_s = self.add_weight((nodes, nodes), self.bias_initializer, name="b_s")
            self.v_s = self._kernel("v_s", (nodes, nodes))
        else:
            if graph_shape is None:
                raise ValueError(
                    "`graph` must be given with score='additive'. Received: graph=None. "
                    "Call the layer with the graph as its second argument."
                )
            _checks.operator(graph_shape, x_shape, self.K)
            self.kernel = self._kernel("kernel", (time * features, self.units))
            self.attention_kernel = self._kernel("attention_kernel", (2, self.units))

    def _kernel(self, name, shape):
        return self.add_weight(shape, self.kernel_initializer, name=name)

    def call(self, x: Tensor, graph: Tensor | None = None, scores: Tensor | None = None) -> Tensor:
        if self.score == "bilinear":
            return self._bilinear(x, scores)
        return self._additive(x if scores is None else kernels.attended(scores, x), graph)

    def _bilinear(self, x, scores):
        weights = self.w1 if scores is None else ops.matmul(self.w1, scores)
        left, right = kernels.projections(weights, x, self.w3)  # (B, N, F), (B, T, N)
        left = ops.matmul(left, self.w2)  # (B, N, T)
        right = right if scores is None else ops.matmul(scores, right)
        # The products are transposed: V_s, which is the same for all samples, comes last.
        product = ops.matmul(ops.transpose(right, (0, 2, 1)), ops.transpose(left, (0, 2, 1)))
        energy = ops.matmul(ops.sigmoid(product + ops.transpose(self.b_s)), ops.transpose(self.v_s))
        return ops.softmax(energy, axis=-1)

    def _additive(self, x, graph):
        steps, nodes, features = x.shape[1:]
        kernel = ops.reshape(self.kernel, (steps, features, self.units))
        hidden = ops.einsum("btnf,tfu->bnu", x, kernel)
        receives = ops.matmul(hidden, self.attention_kernel[0])  # (B, N)
        sends = ops.matmul(hidden, self.attention_kernel[1])
        if kernels.has_terms(graph):
            energy = ops.take(receives, graph["index"][0], axis=1)
            energy = energy + ops.take(sends, graph["index"][1], axis=1)  # (B, E)
            energy = ops.leaky_relu(energy, self.negative_slope)
            return kernels.softmax_of_pairs(graph, self.K, energy, nodes)
        energy = ops.leaky_relu(receives[:, :, None] + sends[:, None, :], self.negative_slope)
        neighbours = kernels.neighbourhood(graph, self.K, nodes)
        if len(neighbours.shape) == 4:
            neighbours = ops.any(neighbours, axis=1)
        # The largest energy of the neighbours becomes 0, because energies of large readings can be
        # below the value of the other nodes.
        largest = ops.max(ops.where(neighbours, energy, float("-inf")), axis=-1, keepdims=True)
        energy = energy - ops.stop_gradient(largest)
        # -3e4 becomes 0 in the softmax, and half precision can still represent it.
        return ops.softmax(ops.where(neighbours, energy, -3e4), axis=-1)

    def compute_output_shape(
        self, x_shape: tuple, graph_shape: Any = None, scores_shape: tuple | None = None
    ) -> tuple:
        if self.score == "additive" and kernels.has_terms(graph_shape):
            return (x_shape[0], graph_shape["terms"][1])
        return (x_shape[0], x_shape[2], x_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "score": self.score,
            "K": self.K,
            "units": self.units,
            "negative_slope": self.negative_slope,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
