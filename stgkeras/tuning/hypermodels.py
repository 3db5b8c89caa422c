"""Search spaces of the forecasters and of the link predictors."""

import itertools

import keras_tuner

from stgkeras import graphs, losses, metrics, models
from stgkeras.tuning.trials import TRAINING, HyperModel


def _filters(default):
    return ("Choice", {"values": [16, 32, 64, 128], "default": default})


# As `TRAINING`
K = {"K": ("Int", {"min_value": 1, "max_value": 4, "default": 3})}
DROPOUT = {"dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1})}
SCORES = {
    "temporal_score": ("Choice", {"values": ["bilinear", "dot"]}),
    "spatial_score": ("Choice", {"values": ["bilinear", "additive"]}),
}
ASTGCN = {
    "num_blocks": ("Int", {"min_value": 1, "max_value": 3, "default": 2}),
    "spatial_filters": _filters(64),
    "temporal_filters": _filters(64),
    **SCORES,
}
FOCAL = {
    "alpha": ("Choice", {"values": [0.25, 0.5, 0.75, 0.9]}),
    "gamma": ("Choice", {"values": [0.5, 1.0, 2.0, 5.0], "default": 2.0}),
}
FORECAST_LOSSES = {
    "mae": losses.MaskedMeanAbsoluteError,
    "mse": losses.MaskedMeanSquaredError,
    "huber": losses.MaskedHuber,
}


class _ForecasterHyperModel(HyperModel):
    """What hypermodels of forecasters share: losses, and the error that compares them."""

    objective = keras_tuner.Objective("val_masked_mae", "min")

    def __init__(self, windows, adjacency, space, arguments, values, calendar, log_dir):
        space = {**space, "loss": ("Choice", {"values": list(FORECAST_LOSSES)}), **TRAINING}
        super().__init__(windows, space, arguments, values, calendar, log_dir)
        self.adjacency = adjacency

    def goal(self, chosen):
        loss = FORECAST_LOSSES[chosen["loss"]]()
        return {"loss": loss, "metrics": [metrics.MaskedMeanAbsoluteError()]}


class STGCNHyperModel(_ForecasterHyperModel):
    """Search space of `models.STGCN` for the tuners of keras-tuner.

    Hyperparameters: `blocks`, blocks and kernel size as one choice ("2x3" is two of kernel size 3)
    among those of 1–3 and 2–4 that `input_length` is long enough for; `temporal_filters` and
    `spatial_filters` 16–128; `graph_conv` "cheb" with `K` 1–4, or "gcn"; `gate`; `dropout` 0–0.5;
    `loss` "mae", "mse" or "huber", masked; `learning_rate` 1e-4–1e-2; `batch_size` 16–64; `T_0` and
    `T_mult` of `callbacks.WarmRestarts`. Trials are compared by `objective`, the masked mean
    absolute error of validation, whatever their loss.

    Each can be fixed, here by its name, or in the way of keras-tuner: `hyperparameters` of the
    tuner, which can also narrow it or give it other values.

    Args:
        windows: function, called as `windows(batch_size=…, input_length=…)` for each trial, with an
            `input_length` of the model. Returns training and validation data for `Model.fit`, such
            as `datasets.Windows`; the windows of validation must be the same in all trials.
        adjacency: (N, N) array or scipy sparse, from which the operator of the model is made, by
            `graphs.scaled_laplacian` or `graphs.renormalized_adjacency`. None with a
            `dynamic_graph`; `num_nodes` is due then.
        values: None, or the training steps for `model.adapt`, with `normalize=True` or a `season`.
        calendar: None, or their calendar, with a `season`.
        log_dir: None, or the folder of TensorBoard logs, one a search: each trial writes its curves
            and hyperparameters into `log_dir/<trial>/execution<number>`, on every backend.
        **arguments: values of hyperparameters, which are then fixed, and of `num_blocks` and
            `kernel_size`; other arguments of the model, such as `horizon` or `season`.

    Raises:
        ValueError: if `windows` is no function, or `input_length` is too short for any blocks.

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
        self, windows, adjacency=None, *, values=None, calendar=None, log_dir=None, **arguments
    ):
        space = {
            **_blocks(arguments, 12),
            "temporal_filters": _filters(64),
            "spatial_filters": _filters(16),
            "graph_conv": ("Choice", {"values": ["cheb", "gcn"]}),
            **_under("graph_conv", "cheb", K),
            "gate": ("Choice", {"values": ["glu", "gtu"]}),
            **DROPOUT,
        }
        arguments = _without(arguments, "num_blocks", "kernel_size")
        super().__init__(windows, adjacency, space, arguments, values, calendar, log_dir)

    def model(self, chosen):
        operator = {"cheb": graphs.scaled_laplacian, "gcn": graphs.renormalized_adjacency}
        wide, narrow = chosen["temporal_filters"], chosen["spatial_filters"]
        sizes = _sizes(chosen)
        return models.STGCN(
            **_graph(self.adjacency, operator[chosen["graph_conv"]]),
            block_filters=((wide, narrow, wide),) * sizes["num_blocks"],
            kernel_size=sizes["kernel_size"],
            **_some(chosen, "graph_conv", *K, "gate", *DROPOUT),
            **self.arguments,
        )


class ASTGCNHyperModel(_ForecasterHyperModel):
    """Search space of `models.ASTGCN`, and with `attention=False` of MSTGCN.

    Hyperparameters: `num_blocks` 1–3, `K` 1–4, `spatial_filters` and `temporal_filters` 16–128,
    `temporal_score`, `spatial_score`; `components`, where `input_length` is a dict: which of its
    components the model reads, all with the first; `loss`, `learning_rate`, `batch_size`, `T_0` and
    `T_mult` as in `STGCNHyperModel`, where arguments and `objective` are told.

    Args:
        windows, adjacency, values, calendar, log_dir: as in `STGCNHyperModel`.
        **arguments: as there; `input_length` may be a dict such as
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
        self, windows, adjacency=None, *, values=None, calendar=None, log_dir=None, **arguments
    ):
        space = {**K, **_astgcn(arguments)}
        self.input_length = arguments.pop("input_length", 12)
        if isinstance(self.input_length, dict):
            first, *others = self.input_length
            more = [c for n in range(len(others) + 1) for c in itertools.combinations(others, n)]
            sets = [" ".join([first, *names]) for names in more]
            space["components"] = ("Choice", {"values": sets})
        super().__init__(windows, adjacency, space, arguments, values, calendar, log_dir)

    def model(self, chosen):
        length = self.input_length
        if "components" in chosen:
            length = {name: length[name] for name in chosen["components"].split()}
        return models.ASTGCN(
            **_graph(self.adjacency, graphs.scaled_laplacian),
            input_length=length,
            **_some(chosen, *K, *ASTGCN),
            **self.arguments,
        )


class LinkPredictorHyperModel(HyperModel):
    """Search space of `models.STGCNLinkPredictor` and `models.ASTGCNLinkPredictor`.

    Hyperparameters: `model`, "STGCN" with `blocks` and `filters`, or "ASTGCN" with `num_blocks`,
    `spatial_filters`, `temporal_filters`, `temporal_score`, `spatial_score` and `node_values` 1–16;
    `K` 1–4, `units` 16–256, `dropout`; `loss` "binary_crossentropy", or "focal" with `gamma` 0.5–5
    and the `alpha` of the paper, the share of links in the weights, 0.25–0.9; `learning_rate`,
    `batch_size`, `T_0` and `T_mult` as in `STGCNHyperModel`, where the other arguments are told.
    Trials are compared by `objective`, the average precision of validation.

    Args:
        windows, values, log_dir: as in `STGCNHyperModel`; values are features, with
            `normalize=True`.
        adjacency: None; with `dynamic_graph=False` the (N, N) array or scipy sparse.
        **arguments: values of hyperparameters, which are then fixed; other arguments that both
            models take, such as `num_nodes`, `decoder` or `directed`, or if `model` is fixed, that
            one.

    Example:
        >>> import keras_tuner, numpy as np, stgkeras
        >>> def windows(**sizes): ...  # returns datasets.Windows to train and to validate
        >>> space = stgkeras.tuning.LinkPredictorHyperModel(windows, model="ASTGCN", units=16)
        >>> type(space.build(keras_tuner.HyperParameters())).__name__
        'ASTGCNLinkPredictor'
    """

    objective = keras_tuner.Objective("val_link_average_precision", "max")

    def __init__(self, windows, adjacency=None, *, values=None, log_dir=None, **arguments):
        blocks = {}
        if arguments.get("model") != "ASTGCN":
            blocks = _blocks(arguments, 10)
            arguments = _without(arguments, "kernel_size")
        values_of_a_node = ("Choice", {"values": [1, 4, 16], "default": 4})
        space = {
            "model": ("Choice", {"values": ["STGCN", "ASTGCN"]}),
            **_under("model", "STGCN", {**blocks, "filters": _filters(32)}),
            **_under("model", "ASTGCN", {**_astgcn(arguments), "node_values": values_of_a_node}),
            **K,
            "units": ("Choice", {"values": [16, 64, 256], "default": 64}),
            **DROPOUT,
            "loss": ("Choice", {"values": ["binary_crossentropy", "focal"]}),
            **_under("loss", "focal", FOCAL),
            **TRAINING,
        }
        super().__init__(windows, space, arguments, values, None, log_dir)
        self.adjacency = adjacency

    def goal(self, chosen):
        directed = self.arguments.get("directed", False)
        alpha, weight = 1.0, {"gamma": 0.0}  # the cross-entropy
        if chosen["loss"] == "focal":
            alpha = 1.0 - chosen["alpha"]
            weight = {"gamma": chosen["gamma"], "positive_weight": chosen["alpha"] / alpha}
        pairs = "directed" if directed else "undirected"
        loss = losses.FocalLoss(alpha, pairs=pairs, **weight)
        return {"loss": loss, "metrics": [metrics.LinkAveragePrecision(directed)]}

    def model(self, chosen):
        kinds = {"STGCN": models.STGCNLinkPredictor, "ASTGCN": models.ASTGCNLinkPredictor}
        return kinds[chosen["model"]](
            **_graph(self.adjacency, graphs.scaled_laplacian),
            **_sizes(chosen),
            **_some(chosen, *K, "units", *DROPOUT, "filters", "node_values", *ASTGCN),
            **self.arguments,
        )


def _astgcn(arguments):
    """The hyperparameters of the blocks of ASTGCN, without scores where there is no attention."""
    return ASTGCN if arguments.get("attention", True) else _without(ASTGCN, *SCORES)


def _blocks(arguments, input_length):
    """The hyperparameter of blocks and kernel sizes that `input_length` is long enough for."""
    input_length = arguments.get("input_length", input_length)
    numbers, sizes = (
        [arguments[name]] if name in arguments else values
        for name, values in (("num_blocks", range(1, 4)), ("kernel_size", range(2, 5)))
    )
    fitting = [f"{n}x{k}" for n in numbers for k in sizes if 2 * n * (k - 1) < input_length]
    if not fitting:
        raise ValueError(
            "`input_length` must be above 2 · num_blocks · (kernel_size - 1), of at least "
            f"{numbers[0]} and {sizes[0]}. Received: input_length={input_length}"
        )
    default = "2x3" if "2x3" in fitting else fitting[0]
    return {"blocks": ("Choice", {"values": fitting, "default": default})}


def _sizes(chosen):
    """The arguments that "blocks" stands for."""
    if "blocks" not in chosen:
        return {}
    return dict(
        zip(("num_blocks", "kernel_size"), map(int, chosen["blocks"].split("x")), strict=True)
    )


def _under(parent, value, space):
    """The hyperparameters, only where another one has a certain value."""
    when = {"when": (parent, [value])}
    return {name: (kind, {**options, **when}) for name, (kind, options) in space.items()}


def _graph(adjacency, operator):
    if adjacency is None:
        return {}
    matrix = operator(adjacency)
    return {"num_nodes": matrix.shape[0], "graph": matrix}


def _some(chosen, *names):
    return {name: chosen[name] for name in names if name in chosen}


def _without(arguments, *names):
    return {name: value for name, value in arguments.items() if name not in names}
