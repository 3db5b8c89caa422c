"""Layers of STID, STAEformer and Graph WaveNet in NumPy, from the equations."""

import numpy as np


def axial_attention(
    x, axis, heads, *, input_kernel, input_bias, output_kernel, output_bias, directions=None
):
    """For each sample, and each node or step: the heads one after the other."""
    y, size = np.empty_like(x, dtype="float64"), x.shape[-1]
    kernels, biases = np.split(input_kernel, 3, axis=1), np.split(input_bias, 3)
    for b, other in np.ndindex(x.shape[0], x.shape[{"time": 2, "nodes": 1}[axis]]):
        place = (b, slice(None), other) if axis == "time" else (b, other)
        q, k, v = (x[place] @ kernel + bias for kernel, bias in zip(kernels, biases, strict=True))
        parts = []
        for j in range(heads):
            part = slice(j * size // heads, (j + 1) * size // heads)
            scores = np.exp(q[:, part] @ k[:, part].T / np.sqrt(size // heads))
            if directions is not None:
                scores = random_features(q[:, part], directions)
                scores = scores @ random_features(k[:, part], directions).T
            parts.append(scores / scores.sum(axis=1, keepdims=True) @ v[:, part])
        y[place] = np.concatenate(parts, axis=1) @ output_kernel + output_bias
    return y


def random_features(x, directions):
    """Positive random features of rows: their products estimate exp(q kᵀ / √d)."""
    d, m = directions.shape
    norm = (x**2).sum(axis=1, keepdims=True) / (2 * np.sqrt(d))
    return np.exp(x @ directions / d**0.25 - norm) / np.sqrt(m)


def layer_normalization(x, gamma, beta):
    variance = x.var(axis=-1, keepdims=True)
    return gamma * (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(variance + 1e-5) + beta


def transformer_block(x, axis, heads, *, attention, dense, output, attention_norm, norm):
    """A block without dropout. Each argument is a dict of the weights of one part."""
    h = layer_normalization(x + axial_attention(x, axis, heads, **attention), **attention_norm)
    inner = np.maximum(h @ dense["kernel"] + dense["bias"], 0)
    return layer_normalization(h + inner @ output["kernel"] + output["bias"], **norm)


def adaptive_embedding(x, *, embeddings):
    """The same vector of each step and node beside its features in every sample."""
    return np.stack([np.concatenate([sample, embeddings], axis=2) for sample in x])


def calendar_embedding(calendar, *, day_embeddings, week_embeddings):
    """The vector of the nearest step of the day, then that of the day of the week."""
    day = np.rint(calendar[..., 0] * len(day_embeddings)).astype(int) % len(day_embeddings)
    week = np.rint(calendar[..., 1]).astype(int)
    return np.concatenate([day_embeddings[day], week_embeddings[week]], axis=-1)


def diffusion_conv(x, operators, K, *, kernel, bias):
    """Sums over all operators and steps, with powers of the matrices."""
    y, number = x @ kernel[0] + bias, 0
    for operator in operators:
        for k in range(1, K + 1):
            number += 1
            y = y + np.linalg.matrix_power(operator.astype("float64"), k) @ x @ kernel[number]
    return y
