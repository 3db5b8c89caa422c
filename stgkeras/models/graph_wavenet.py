from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse
from keras import layers, ops

from stgkeras.layers import AdaptiveAdjacency, DiffusionConv, GatedTemporalConv, _checks
from stgkeras.layers.bit_dropout import BitDropout
from stgkeras.models import graph_lists
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.graph_model import StoredGraph
from stgkeras.models.model_inputs import forecast_head
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class GraphWaveNet(Forecaster):
    """Graph WaveNet: dilated convolutions along time and diffusion on given and learned graphs.

        layers, each:  h = tanh(x * W) ⊙ σ(x * V)           W and V are dilated kernels
                       x = normalisation(x' + dropout(diffusion convolution of h))
        forecast = linear map of ReLU(linear map of ReLU(Σ linear map of the last step of each h))

    `*` is a convolution along time without padding, and x' is x without the steps that it loses.
    The distance of the steps that a kernel reads is 1 in the first layer of a block, and doubles
    in each further layer. A forecast thus reads F = 1 + num_blocks · (kernel_size - 1) ·
    (2^num_layers - 1) steps, 13 by default. In shorter windows, zeros come first; after `normalize`
    or `season` they are the mean or the season. In longer windows, only the last F steps count.

    The diffusion convolution, `layers.DiffusionConv`, uses the graphs P_s and one learned graph,
    the transposed of `layers.AdaptiveAdjacency`. Memory and time of the learned graph, and of
    dense graphs, grow with the square of the number of nodes: up to a few thousand nodes.

    Args:
        graph: None, or a list of graph operators P_s, usually `[graphs.random_walk(A),
            graphs.random_walk(A.T)]` of a directed adjacency A; each an (N, N) array or SciPy
            sparse array. The list may be empty. The model saves the operators with the weights.
            With None, set `model.graph` or load weights before the model is used. Default None.
        input_length: int. Number of input steps T, which are consecutive. Default 12.
        num_graphs: None, or int ≥ 0: the number of operators. None: that of `graph`, else 2.
        num_edges: None, or the largest number of entries of a sparse graph: an int, or one for
            each graph, None for a dense graph. Only needed if sparse graphs are set or loaded
            later. Default: taken from `graph`.
        residual_filters: int. Number of features of a node between the layers. Default 32.
        dilation_filters: int. Number of filters of the convolutions along time. Default 32.
        skip_filters: int. Number of units of the linear maps of each layer's h. Default 256.
        end_filters: int. Number of units of the last hidden layer. Default 512.
        kernel_size: int. Number of steps that a kernel reads. Default 2.
        num_blocks, num_layers: int. Number of blocks, and of layers of each block. Default 4, 2.
        K: int ≥ 1. Largest number of steps of the diffusion on each graph. Default 2.
        adaptive_units: int ≥ 0. Each node has two trainable vectors of this length, which define
            the learned graph. They start from singular vectors of the first operator in `graph`,
            and without it from the standard normal distribution. 0 means no learned graph. Without
            any graph, a linear map replaces the diffusion convolution. Default 10.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.3.

    Call arguments:
        x: tensor (batch, input_length, num_nodes, num_features), or a dict of "x" and the other
            inputs: with `season`, "calendar" (batch, horizon, 2), the `datasets.calendar` of the
            steps to forecast. In the published settings, the second feature is the time of day.

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if a graph, the scaler or the
            season was never set, or an input has infinite values or NaN. With `normalize` or
            `season`, NaN in a signal is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = np.diag([1.0, 2.0, 1.0, 1.0], -1)  # edges 0 → 1 → 2 → 3 → 4
        >>> walks = [stgkeras.graphs.random_walk(one) for one in (adjacency, adjacency.T)]
        >>> model = stgkeras.models.GraphWaveNet(5, graph=walks, horizon=3, adaptive_units=4)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Wu et al., 2019, arXiv:1906.00121, equations 5 to 8. As in the released code: the batch
        normalisation, the dropout, one weight for x without a step of diffusion, and a learned
        graph whose softmax is over the receiving nodes, while P_s and equation 5 average over the
        sending nodes (the code's own P_s are `graphs.random_walk(A).T`). Departs from the code:
        only the skip connections are read at the end, so that the diffusion convolution and the
        normalisation of the last layer, and linear maps beside the diffusion convolutions, have no
        effect there (15,712 of 308,660 parameters with 170 nodes); they are left out. With fewer
        nodes than `adaptive_units`, the vectors of the learned graph start from random numbers. The
        moving variances have the divisor n, where PyTorch has n - 1. Missing readings are the mean
        or the season with `normalize` or `season`, where the code reads zeros.
    """

    takes_components, takes_walks = False, True

    def __init__(
        self,
        num_nodes: int,
        *,
        graph: Array | Sequence[Array] | None = None,
        num_graphs: int | None = None,
        residual_filters: int = 32,
        dilation_filters: int = 32,
        skip_filters: int = 256,
        end_filters: int = 512,
        kernel_size: int = 2,
        num_blocks: int = 4,
        num_layers: int = 2,
        K: int = 2,
        adaptive_units: int = 10,
        dropout: float = 0.3,
        **common: Any,
    ) -> None:
        own = {
            "num_graphs": graph_lists.number_of(graph, num_graphs, default=2),
            "residual_filters": _checks.integer("residual_filters", residual_filters),
            "dilation_filters": _checks.integer("dilation_filters", dilation_filters),
            "skip_filters": _checks.integer("skip_filters", skip_filters),
            "end_filters": _checks.integer("end_filters", end_filters),
            "kernel_size": _checks.integer("kernel_size", kernel_size, 2),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "num_layers": _checks.integer("num_layers", num_layers),
            "K": _checks.integer("K", K),
            "adaptive_units": _checks.integer("adaptive_units", adaptive_units, 0),
            "dropout": _checks.fraction("dropout", dropout),
        }
        if num_blocks * num_layers == 1:
            raise ValueError(
                "`num_layers` must be at least 2 in a single block, because the last layer has no "
                "graph convolution. Received: num_blocks=1, num_layers=1. Use more layers."
            )
        super().__init__(graph_wavenet, own, None, num_nodes, graph=graph, **common)
        graphs = graph_lists.as_list(graph)
        if graphs and 0 < adaptive_units <= self.num_nodes:
            start = singular_vectors(graphs[0], adaptive_units)
            for variable, value in zip(self.get_layer("adjacency").weights, start, strict=True):
                variable.assign(value)

    @property
    def graph(self) -> tuple[StoredGraph, ...]:
        """Tuple of the graph operators, each an (N, N) array or SciPy csr_array."""
        return graph_lists.graphs_of(self, self.num_graphs)

    @graph.setter
    def graph(self, graph: Array | Sequence[Array]) -> None:
        graph_lists.set_graphs(self, graph)


def graph_wavenet(
    signals: Mapping[str, Tensor], operators: Sequence[Tensor], arguments: Mapping[str, Any]
) -> Tensor:
    """Computes the forecast of Graph WaveNet. `Forecaster` describes the arguments."""
    horizon, num_outputs = arguments["horizon"], arguments["num_outputs"]
    numbers = range(arguments["num_blocks"] * arguments["num_layers"])
    x = last_steps(signals["recent"], receptive_field(arguments))
    x = layers.Dense(arguments["residual_filters"], name="input_dense")(x)
    operators, skips = list(operators), []
    if arguments["adaptive_units"]:
        start = keras.initializers.RandomNormal(stddev=1.0)
        learned = AdaptiveAdjacency(arguments["adaptive_units"], start, name="adjacency")(x)
        operators.append(ops.transpose(learned))
    for number in numbers:
        name, dilation = f"layer{number + 1}", 2 ** (number % arguments["num_layers"])
        h = GatedTemporalConv(
            arguments["dilation_filters"],
            arguments["kernel_size"],
            gate="gtu",
            residual=None,
            dilation_rate=dilation,
            name=f"{name}_temporal",
        )(x)
        skips.append(layers.Dense(arguments["skip_filters"], name=f"{name}_skip")(h[:, -1]))
        if number < numbers[-1]:
            x = residual(x, h, operators, arguments, name)
    y = layers.Dense(arguments["end_filters"], activation="relu", name="output_dense")(
        ops.relu(sum(skips[1:], skips[0]))
    )
    y = layers.Dense(horizon * num_outputs, dtype="float32", name="output")(y)
    return forecast_head(y, horizon, num_outputs)


def residual(
    x: Tensor, h: Tensor, operators: Sequence[Tensor], arguments: Mapping[str, Any], name: str
) -> Tensor:
    """Computes the input of the next layer of Graph WaveNet.

    Args:
        x: (batch, steps, nodes, residual_filters), the input of this layer.
        h: (batch, later steps, nodes, dilation_filters), its gated convolution.
        operators: list of graph operators.
        arguments: dict with "residual_filters", "K" and "dropout".
        name: str. Start of the names of the layers.

    Returns:
        (batch, later steps, nodes, residual_filters).
    """
    steps, filters = h.shape[1], arguments["residual_filters"]
    if operators:
        h = DiffusionConv(filters, arguments["K"], name=f"{name}_graph")(h, operators)
        h = BitDropout(arguments["dropout"], name=f"{name}_dropout")(h)
    else:
        h = layers.Dense(filters, name=f"{name}_dense")(h)
    norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")
    return norm(h + x[:, -steps:])


def receptive_field(arguments: Mapping[str, Any]) -> int:
    """Returns the number of steps that a forecast of Graph WaveNet reads."""
    each = (arguments["kernel_size"] - 1) * (2 ** arguments["num_layers"] - 1)
    return 1 + arguments["num_blocks"] * each


def last_steps(x: Tensor, steps: int) -> Tensor:
    """Returns the last steps of a signal (batch, time, nodes, features), after zeros if needed."""
    missing = max(0, steps - x.shape[1])
    return ops.pad(x[:, -steps:], ((0, 0), (missing, 0), (0, 0), (0, 0)))


def singular_vectors(graph: Any, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the start of the vectors of the learned graph, from a given graph.

    Args:
        graph: (N, N) operator, dense or sparse.
        units: int, at most N.

    Returns:
        Two arrays (N, units), float32. The product of the first and the transposed second is the
        best approximation of the transposed graph of this rank.
    """
    matrix = scipy.sparse.csr_array(graph).toarray()
    left, sizes, right = np.linalg.svd(matrix.T.astype("float64"))
    roots = np.sqrt(sizes[:units])
    found = left[:, :units] * roots, right[:units].T * roots
    return found[0].astype("float32"), found[1].astype("float32")
