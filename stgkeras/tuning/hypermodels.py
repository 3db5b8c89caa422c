"""Search spaces of the forecasters and of the link predictors."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner

from stgkeras import graphs, losses, metrics, models
from stgkeras.tuning import spaces
from stgkeras.tuning.trials import HyperModel
from stgkeras.types import Array

FORECAST_LOSSES = {
    "mae": losses.MaskedMeanAbsoluteError,
    "mse": losses.MaskedMeanSquaredError,
    "huber": losses.MaskedHuber,
}


class _ForecasterHyperModel(HyperModel):
    """Base class of the search spaces of forecasters, with their losses and metric."""

    objective = keras_tuner.Objective("val_masked_mae", "min")

    def __init__(self, windows, adjacency, space, arguments, values, calendar, log_dir):
        space = {**space, "loss": ("Choice", {"values": list(FORECAST_LOSSES)}), **spaces.TRAINING}
        super().__init__(windows, space, arguments, values, calendar, log_dir)
        if adjacency is None and "num_nodes" not in arguments:
            raise ValueError(
                "`adjacency` must be a matrix, or None together with `num_nodes`. Received: "
                "adjacency=None without `num_nodes`. Pass the adjacency of the nodes."
            )
        self.adjacency = adjacency

    def goal(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """Returns the loss and the metrics for `compile`."""
        loss = FORECAST_LOSSES[chosen["loss"]]()
        return {"loss": loss, "metrics": [metrics.MaskedMeanAbsoluteError()]}


class STGCNHyperModel(_ForecasterHyperModel):
    """Search space of `models.STGCN` for keras-tuner.

    Hyperparameters:

    - `blocks`: number of blocks (1–3) and kernel size (2–4) as one str. "2x3" means two blocks with
      kernel size 3. Only combinations that fit `input_length` are tried.
    - `temporal_filters`, `spatial_filters`: 16–128. `gate`: "glu" or "gtu". `dropout`: 0–0.5.
    - `graph_conv`: "cheb" or "gcn". `K`: 1–4, only for "cheb".
    - `loss`: "mae", "mse" or "huber", the masked losses of `stgkeras.losses`.
    - `learning_rate`: 1e-4–1e-2. `batch_size`: 16–64.
    - `T_0`, `T_mult`: arguments of `callbacks.WarmRestarts`.

    Trials are compared by `objective`, the masked mean absolute error on validation data.

    To fix a hyperparameter, pass its value by name. The argument `hyperparameters` of a tuner can
    also fix a hyperparameter or change its range.

    Args:
        windows: function. Called as `windows(batch_size=…, input_length=…)` for each trial. Returns
            training and validation data for `Model.fit`, such as `datasets.Windows`. All trials
            must have the same validation windows.
        adjacency: array (N, N) or SciPy sparse, or None. Adjacency matrix. The search space
            computes the operator by `graphs.scaled_laplacian` or `graphs.renormalized_adjacency`.
            Pass None and `num_nodes` if `dynamic_graph` is used.
        values: array or None. Training steps for `model.adapt`, needed with `normalize=True` or
            `season`.
        calendar: array or None. Calendar of `values`, needed with `season`.
        log_dir: path of a folder for TensorBoard logs, or None for no logs. Each trial writes into
            `log_dir/<trial>/execution<number>`. Use one folder per search.
        **arguments: fixed values of hyperparameters, and other arguments of the model, such as
            `horizon` or `season`. `num_blocks` and `kernel_size` can be fixed too.

    Raises:
        ValueError: if `windows` is not a function, or if `input_length` is too short for any choice
            of `blocks`.

    Example:
        >>> import keras_tuner, numpy as np, stgkeras
        >>> series = np.random.default_rng(0).random((60, 3, 1))
        >>> split = stgkeras.datasets.split_windows(60, input_length=5, horizon=2)
        >>> def windows(batch_size, input_length):
        ...     options = {"batch_size": batch_size, "input_length": input_length, "horizon": 2}
        ...     train = stgkeras.datasets.Windows(
        ...         series, series, split.train, shuffle=True, **options)
        ...     return train, stgkeras.datasets.Windows(series, series, split.val, **options)
        >>> space = stgkeras.tuning.STGCNHyperModel(
        ...     windows, 1 - np.eye(3), input_length=5, horizon=2, num_blocks=1, K=2)
        >>> hp = keras_tuner.HyperParameters()
        >>> model = space.build(hp)
        >>> model.K, hp.get("blocks"), [p.name for p in hp.space][:4]
        (2, '1x2', ['K', 'blocks', 'temporal_filters', 'spatial_filters'])
    """

    def __init__(
        self,
        windows: Callable[..., tuple[Any, Any]],
        adjacency: Array | None = None,
        *,
        values: Array | None = None,
        calendar: Array | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        **arguments: Any,
    ) -> None:
        space = {
            **spaces.blocks(arguments, 12),
            "temporal_filters": spaces.filters(64),
            "spatial_filters": spaces.filters(16),
            "graph_conv": ("Choice", {"values": ["cheb", "gcn"]}),
            **spaces.under("graph_conv", "cheb", spaces.K),
            "gate": ("Choice", {"values": ["glu", "gtu"]}),
            **spaces.DROPOUT,
        }
        arguments = spaces.without(arguments, "num_blocks", "kernel_size")
        super().__init__(windows, adjacency, space, arguments, values, calendar, log_dir)

    def model(self, chosen: dict[str, Any]) -> keras.Model:
        """Returns a model with the chosen hyperparameters."""
        operator = {"cheb": graphs.scaled_laplacian, "gcn": graphs.renormalized_adjacency}
        wide, narrow = chosen["temporal_filters"], chosen["spatial_filters"]
        sizes = spaces.sizes(chosen)
        return models.STGCN(
            **_graph(self.adjacency, operator[chosen["graph_conv"]]),
            block_filters=((wide, narrow, wide),) * sizes["num_blocks"],
            kernel_size=sizes["kernel_size"],
            **spaces.some(chosen, "graph_conv", *spaces.K, "gate", *spaces.DROPOUT),
            **self.arguments,
        )


class ASTGCNHyperModel(_ForecasterHyperModel):
    """Search space of `models.ASTGCN` for keras-tuner, and of MSTGCN with `attention=False`.

    Hyperparameters:

    - `num_blocks`: 1–3. `K`: 1–4. `spatial_filters`, `temporal_filters`: 16–128.
    - `temporal_score`: "bilinear" or "dot". `spatial_score`: "bilinear" or "additive".
    - `components`: only if `input_length` is a dict. The names of the input components as one str,
      such as "recent daily". The first component is always included.
    - `loss`, `learning_rate`, `batch_size`, `T_0`, `T_mult`: see `STGCNHyperModel`.

    The objective is the same as in `STGCNHyperModel`.

    Args:
        windows, adjacency, values, calendar, log_dir: see `STGCNHyperModel`.
        **arguments: see `STGCNHyperModel`. `input_length` may be a dict such as
            `{"recent": 12, "daily": 12, "weekly": 12}`.

    Example:
        >>> import keras_tuner, numpy as np, stgkeras
        >>> def windows(**sizes): ...  # returns datasets.Windows to train and to validate
        >>> space = stgkeras.tuning.ASTGCNHyperModel(
        ...     windows, 1 - np.eye(3), input_length={"recent": 6, "daily": 2}, horizon=2)
        >>> hp = keras_tuner.HyperParameters()
        >>> hp.Fixed("components", "recent daily")
        'recent daily'
        >>> list(space.build(hp).input)
        ['recent', 'daily']
    """

    def __init__(
        self,
        windows: Callable[..., tuple[Any, Any]],
        adjacency: Array | None = None,
        *,
        values: Array | None = None,
        calendar: Array | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        **arguments: Any,
    ) -> None:
        space = {**spaces.K, **spaces.astgcn(arguments)}
        self.input_length = arguments.pop("input_length", 12)
        if isinstance(self.input_length, dict):
            first, *others = self.input_length
            more = [c for n in range(len(others) + 1) for c in itertools.combinations(others, n)]
            sets = [" ".join([first, *names]) for names in more]
            space["components"] = ("Choice", {"values": sets})
        super().__init__(windows, adjacency, space, arguments, values, calendar, log_dir)

    def model(self, chosen: dict[str, Any]) -> keras.Model:
        """Returns a model with the chosen hyperparameters."""
        length = self.input_length
        if "components" in chosen:
            length = {name: length[name] for name in chosen["components"].split()}
        return models.ASTGCN(
            **_graph(self.adjacency, graphs.scaled_laplacian),
            input_length=length,
            **spaces.some(chosen, *spaces.K, *spaces.ASTGCN),
            **self.arguments,
        )


class LinkPredictorHyperModel(HyperModel):
    """Search space of the link predictors for keras-tuner.

    Hyperparameters:

    - `model`: "STGCN" (`models.STGCNLinkPredictor`) or "ASTGCN" (`models.ASTGCNLinkPredictor`).
    - Only for "STGCN": `blocks`, see `STGCNHyperModel`, and `filters`, 16–128.
    - Only for "ASTGCN": `num_blocks`, `spatial_filters`, `temporal_filters`, `temporal_score` and
      `spatial_score`, see `ASTGCNHyperModel`, and `node_values`, 1–16.
    - `K`: 1–4. `units`: 16–256. `dropout`: 0–0.5.
    - `loss`: "binary_crossentropy" or "focal".
    - Only for "focal": `gamma`, 0.5–5, and `alpha`, 0.25–0.9, as defined in the focal loss paper.
    - `learning_rate`, `batch_size`, `T_0`, `T_mult`: see `STGCNHyperModel`.

    Trials are compared by `objective`, the average precision on validation data.

    Args:
        windows, log_dir: see `STGCNHyperModel`.
        values: array or None. Training features for `model.adapt`. Only needed with
            `normalize=True`.
        adjacency: array (N, N) or SciPy sparse, or None. Only needed with `dynamic_graph=False`.
        **arguments: fixed values of hyperparameters, and other arguments of the models, such as
            `num_nodes`, `decoder` or `directed`. Unless `model` is fixed, both models must have
            these arguments.

    Raises:
        ValueError: if `windows` is no function, or `adjacency` does not fit `dynamic_graph`.

    Example:
        >>> import keras_tuner, numpy as np, stgkeras
        >>> def windows(**sizes): ...  # returns datasets.Windows to train and to validate
        >>> space = stgkeras.tuning.LinkPredictorHyperModel(windows, model="ASTGCN", units=16)
        >>> type(space.build(keras_tuner.HyperParameters())).__name__
        'ASTGCNLinkPredictor'
    """

    objective = keras_tuner.Objective("val_link_average_precision", "max")

    def __init__(
        self,
        windows: Callable[..., tuple[Any, Any]],
        adjacency: Array | None = None,
        *,
        values: Array | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        **arguments: Any,
    ) -> None:
        blocks: spaces.Space = {}
        if arguments.get("model") != "ASTGCN":
            blocks = spaces.blocks(arguments, 10)
            arguments = spaces.without(arguments, "kernel_size")
        values_of_a_node = ("Choice", {"values": [1, 4, 16], "default": 4})
        space = {
            "model": ("Choice", {"values": ["STGCN", "ASTGCN"]}),
            **spaces.under("model", "STGCN", {**blocks, "filters": spaces.filters(32)}),
            **spaces.under(
                "model", "ASTGCN", {**spaces.astgcn(arguments), "node_values": values_of_a_node}
            ),
            **spaces.K,
            "units": ("Choice", {"values": [16, 64, 256], "default": 64}),
            **spaces.DROPOUT,
            "loss": ("Choice", {"values": ["binary_crossentropy", "focal"]}),
            **spaces.under("loss", "focal", spaces.FOCAL),
            **spaces.TRAINING,
        }
        super().__init__(windows, space, arguments, values, None, log_dir)
        if adjacency is not None and arguments.get("dynamic_graph", "step"):
            raise ValueError(
                "`adjacency` must be None without `dynamic_graph=False`, because the model then "
                f"takes the graphs as input. Received: adjacency of type {type(adjacency).__name__}"
                ". Pass `dynamic_graph=False`, or leave out `adjacency`."
            )
        self.adjacency = adjacency

    def goal(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """Returns the loss and the metrics for `compile`."""
        directed = self.arguments.get("directed", False)
        alpha = 1.0
        weight: dict[str, Any] = {"gamma": 0.0}  # cross-entropy
        if chosen["loss"] == "focal":
            alpha = 1.0 - chosen["alpha"]
            weight = {"gamma": chosen["gamma"], "positive_weight": chosen["alpha"] / alpha}
        pairs = "directed" if directed else "undirected"
        loss = losses.FocalLoss(alpha, pairs=pairs, **weight)
        return {"loss": loss, "metrics": [metrics.LinkAveragePrecision(directed)]}

    def model(self, chosen: dict[str, Any]) -> keras.Model:
        """Returns a model with the chosen hyperparameters."""
        kinds = {"STGCN": models.STGCNLinkPredictor, "ASTGCN": models.ASTGCNLinkPredictor}
        names = (*spaces.K, *spaces.DROPOUT, *spaces.ASTGCN, "units", "filters", "node_values")
        return kinds[chosen["model"]](
            **_graph(self.adjacency, graphs.scaled_laplacian),
            **spaces.sizes(chosen),
            **spaces.some(chosen, *names),
            **self.arguments,
        )


def _graph(adjacency, operator):
    if adjacency is None:
        return {}
    matrix = operator(adjacency)
    return {"num_nodes": matrix.shape[0], "graph": matrix}
