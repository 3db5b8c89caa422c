"""Layers of models that can be computed on a part of the nodes: hops, normalisation, segments."""

from __future__ import annotations

import zlib
from typing import Any

import keras
import numpy as np
import scipy.sparse as sp

from stgkeras import layers
from stgkeras.layers.bit_dropout import BitDropout
from stgkeras.layers.temporal_conv import TemporalConv
from stgkeras.layers.temporal_dense import TemporalDense
from stgkeras.models.forecaster import Forecaster

# Layers that compute each node alone; the normalisation only if it is not over all nodes.
OF_A_NODE = (
    *(keras.layers.InputLayer, keras.layers.Dense, keras.layers.Dropout, BitDropout),
    *(TemporalConv, TemporalDense, layers.GatedTemporalConv, layers.CenteredLayerNormalization),
    *(layers.NodeEmbedding, layers.StandardScaler, layers.SeasonalScaler, layers.StaticGraph),
    *(layers.CovariateEffect, layers.ComponentFusion, layers.MonotoneQuantiles),
)
FIXES: dict[type, str] = {
    layers.AdaptiveAdjacency: "Create the model with `adaptive_units=0`.",
    layers.SpatialAttention: "Create the model with `attention=False`.",
    layers.TemporalAttention: "Create the model with `attention=False`.",
}
SUITABLE = "Use `models.STGCN`, or `models.GraphSTID` with `adaptive_units=0`."


def hops(model: Forecaster) -> int:
    """Returns the number of hops that the forecast of a node reads: the sum over graph layers.

    Raises:
        ValueError: if a layer reads all nodes, or the model does not store a graph.
    """
    if not model.takes_graph or model.dynamic_graph:
        what = "takes no graph" if not model.takes_graph else "receives the graph as an input"
        raise ValueError(
            f"`model` must store a graph that can be divided. Received: {type(model).__name__}, "
            f"which {what}. {SUITABLE}"
        )
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.ChebConv):
            total += layer.K - 1
        elif isinstance(layer, layers.GraphConv):
            total += 1
        elif not isinstance(layer, OF_A_NODE):
            fix = FIXES.get(type(layer), SUITABLE)
            raise ValueError(
                "`model` must compute each node from its neighbours alone. Received: "
                f"{type(model).__name__} with the layer {layer.name!r} of type "
                f"{type(layer).__name__}, which reads all nodes. {fix}"
            )
    return total


def check_compiled(model: Forecaster, unmasked_loss: str | None) -> None:
    """Raises ValueError if a model cannot be trained on parts as it was compiled."""
    if not model.compiled:
        raise ValueError(
            "`model` must be compiled before `fit`. Received: a model that was not compiled. Call "
            "`model.compile('adam', stgkeras.losses.MaskedMeanAbsoluteError())`."
        )
    if unmasked_loss is not None:
        raise ValueError(
            "`loss` must ignore the nodes outside a part, whose targets are NaN. Received: "
            f"{unmasked_loss}. Compile with a masked loss, such as "
            "`stgkeras.losses.MaskedMeanAbsoluteError()`."
        )
    optimizer = model.optimizer
    if optimizer.use_ema or optimizer.gradient_accumulation_steps:
        raise ValueError(
            "`optimizer` must change the weights in each step, without averages over steps. "
            f"Received: {type(optimizer).__name__} with use_ema={optimizer.use_ema}, "
            f"gradient_accumulation_steps={optimizer.gradient_accumulation_steps}. Omit both."
        )


def checksums(model: Forecaster) -> list[int]:
    """Returns the checksums of the arrays of the graph of a model: equal for the same graph."""
    operator: Any = model.graph
    graph = sp.csr_array(operator)
    return [zlib.crc32(array.data) for array in (graph.indptr, graph.indices, graph.data)]


def check_inputs(model: Forecaster, x: Any) -> None:
    """Raises ValueError if a batch does not have the shapes of the inputs of a model."""
    for tensor in model.inputs:
        found = np.shape(x[tensor.name] if isinstance(x, dict) else x)
        if found[1:] != tuple(tensor.shape[1:]) or not found[0]:
            wanted = ("batch", *tensor.shape[1:])
            raise ValueError(
                f"`{tensor.name}` must have shape ({', '.join(map(str, wanted))}), with all nodes. "
                f"Received: {tensor.name}.shape={found}. Pass the inputs of the whole model."
            )


def normalizations(model: Forecaster) -> list[Any]:
    """Returns the normalisations over all nodes, in the order in which they are computed."""
    return [
        layer
        for layer in model.layers
        if isinstance(layer, layers.CenteredLayerNormalization) and len(layer.gamma.shape) > 1
    ]


def segments(model: Forecaster, norms: list[Any]) -> list[keras.Model]:
    """Returns models from each normalisation to the input of the next one.

    The first one begins with the inputs of the model, and the last one ends with its output. Those
    after the first one take the inputs of the model and the output of a normalisation.
    """
    starts = [[], *([norm.output] for norm in norms)]
    ends = [*(norm.input for norm in norms), model.output]
    return [
        keras.Model([*model.inputs, *start], end) for start, end in zip(starts, ends, strict=True)
    ]


def moments(y: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Returns count, mean and sum of squared deviations of (..., nodes, features), in float64."""
    y = y.astype("float64")
    mean = y.mean((-2, -1), keepdims=True)
    return y.shape[-2] * y.shape[-1], mean, np.square(y - mean).sum((-2, -1), keepdims=True)


def merged(
    parts: list[tuple[int, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and variance of all parts together, from the `moments` of each.

    Source: Chan, Golub and LeVeque, 1983, doi:10.1080/00031305.1983.10483115.
    """
    count, mean, squares = parts[0]
    for more, other, others in parts[1:]:
        difference, total = other - mean, count + more
        mean = mean + difference * (more / total)
        squares = squares + others + difference**2 * (count * more / total)
        count = total
    return mean, squares / count
