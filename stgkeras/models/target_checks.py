"""Checks of the targets of a model: their features and scale, and the direction of links."""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import numpy as np

from stgkeras.missing import asymmetric_entry

MOST_STEPS = 2048  # steps of a series, and windows of arrays, that are compared
MOST_BATCHES = 100  # batches of targets that mean and standard deviation are computed from
TOO_DIFFERENT = 20.0


class TargetCheck:
    """Base class of checks of the targets in one call of `fit` or `evaluate`. Checks nothing."""

    def data(self, x: Any, y: Any) -> None:
        """Checks a whole data set, before it is used.

        Args:
            x: arrays or a data set, as for `fit`.
            y: None, or the targets.
        """

    def batch(self, y: np.ndarray) -> None:
        """Checks the targets of one batch, an array of numbers."""

    def warn(self, stacklevel: int) -> None:
        """Warns of faults that the batches have shown. Called after the last batch."""


class FeatureCheck(TargetCheck):
    """Check that the targets are the features `targets` of the input of a forecaster.

    The targets are compared with the features where both are known: in `datasets.Windows` and in
    arrays. If `fit` receives a model with a scaler and without `targets`, it chooses the features
    that the targets are equal to. In other data sets, only mean and deviation are compared.

    Args:
        model: the forecaster.
        may_choose: bool. Whether the check may choose the features.
    """

    def __init__(self, model: Any, may_choose: bool) -> None:
        # TensorFlow keeps the data of a `fit`, and this check with them, after the model is gone.
        self.model = weakref.proxy(model)
        has_scaler = model.normalize or model.season is not None
        self.scaler: Any = weakref.proxy(model.get_layer("scaler")) if has_scaler else None
        self.may_choose = may_choose and self.scaler is not None and model.targets is None
        self.watches_scale = may_choose and self.scaler is not None
        self.batches = 0
        self.sums = np.zeros((3, model.num_outputs))  # count, sum and sum of squares

    def data(self, x: Any, y: Any) -> None:
        if self.scaler is None and self.model.targets is None:
            return  # the model has no units
        found = equal_features(x, y)
        if len(found) != self.model.num_outputs or not any(found):
            return
        present = self.model.targets or tuple(range(len(found)))
        wrong = [o for o, equal in enumerate(found) if equal and present[o] not in equal]
        if wrong and self.may_choose and all(found):
            self.model.choose_targets(tuple(min(equal) for equal in found))
        elif wrong:
            output = wrong[0]
            raise ValueError(
                "`targets` must be the features of the input that the model forecasts. Received: "
                f"targets={self.model.targets}, so output {output} has the units of feature "
                f"{present[output]} of the input, but the targets of this output are equal to "
                f"feature {min(found[output])}. Create the model with "
                f"`targets={tuple(min(e) if e else '…' for e in found)}`."
            )
        self.may_choose = False
        if all(found):
            self.watches_scale = False

    def batch(self, y: np.ndarray) -> None:
        outputs = self.model.num_outputs
        self._check_shape(y.shape[1:])
        if not self.watches_scale or y.ndim != 4 or y.shape[-1] != outputs:
            return
        self.batches += 1
        if self.batches > MOST_BATCHES:
            return
        rows = np.asarray(y[:MOST_STEPS], "float64").reshape(-1, outputs)
        known = np.isfinite(rows)
        rows = np.where(known, rows, 0)
        self.sums += known.sum(axis=0), rows.sum(axis=0), (rows**2).sum(axis=0)

    def _check_shape(self, shape):
        """Raises ValueError for targets that a loss would compare with other steps or nodes."""
        wanted = self.model.horizon, self.model.num_nodes, self.model.num_outputs
        other = len(shape) == 3 and shape[:2] != wanted[:2]
        if other or (len(shape) == 2 and shape == wanted[1:]):
            fix = f"Create the model with `horizon={shape[0]}`, or cut other windows."
            if len(shape) == 2:
                fix = "Pass `horizon=1` to `Windows` instead of None."
            elif shape[0] == wanted[0]:
                fix = "Pass the targets of the nodes of the graph."
            raise ValueError(
                f"`y` must have shape (batch, {wanted[0]} steps, {wanted[1]} nodes, {wanted[2]} "
                f"outputs), as the forecast. Received: y.shape=(batch, {str(shape)[1:-1]}). {fix}"
            )

    def warn(self, stacklevel: int) -> None:
        if not self.watches_scale or not (self.sums[0] > 1).all():
            return
        count, total, squares = self.sums
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        present = self.model.targets or tuple(range(len(mean)))
        for output, feature in enumerate(present):
            scaler_mean, scaler_std = self.scaler.scale_of(feature)
            ratio = std[output] / scaler_std
            far = abs(mean[output] - scaler_mean) / scaler_std > TOO_DIFFERENT
            if far or ratio > TOO_DIFFERENT or 0 < ratio < 1 / TOO_DIFFERENT:
                warnings.warn(
                    f"The targets of output {output} have mean {mean[output]:.4g} and standard "
                    f"deviation {std[output]:.4g}, but the model scales this output as feature "
                    f"{feature} of the input, with mean {scaler_mean:.4g} and standard deviation "
                    f"{scaler_std:.4g}. Create the model with `targets`, the features to forecast.",
                    stacklevel=stacklevel + 1,
                )


class DirectionCheck(TargetCheck):
    """Check that the data have the direction of a link predictor: both directed, or neither.

    Args:
        directed: bool. The argument `directed` of the model.
    """

    def __init__(self, directed: bool) -> None:
        self.directed = directed

    def data(self, x: Any, y: Any) -> None:
        found = getattr(x, "directed", self.directed)
        if bool(found) != self.directed:
            raise ValueError(
                "`directed` of the model must be that of the contacts. Received: a model with "
                f"directed={self.directed}, contacts with directed={found}. Create the model with "
                f"`directed={found}`, or load the contacts with `directed={self.directed}`."
            )

    def batch(self, y: np.ndarray) -> None:
        if self.directed or y.ndim != 3 or y.shape[1] != y.shape[2]:
            return
        entry = asymmetric_entry(y)
        if entry is not None:
            graph, n, m = entry
            raise ValueError(
                "`y` must hold symmetric graphs for a model with directed=False. Received: "
                f"{y[graph, n, m]:g} at y[{graph}, {n}, {m}], and {y[graph, m, n]:g} at "
                f"y[{graph}, {m}, {n}]. Create the model with `directed=True`, or ignore the "
                "direction with `np.maximum(y, y.swapaxes(1, 2))`."
            )


def check_direction(directed: bool, losses: list[Any], metrics: list[Any]) -> None:
    """Raises ValueError if a loss or metric of a link predictor counts other pairs of nodes.

    Args:
        directed: bool. The argument `directed` of the model.
        losses, metrics: lists of what `compile` received. Only the losses with an attribute `pairs`
            and the metrics with an attribute `directed` are checked.
    """
    wanted = "directed" if directed else "undirected"
    for loss in losses:
        if getattr(loss, "pairs", None) not in (None, wanted):
            raise ValueError(
                "`loss` must count the pairs of nodes of the model. Received: "
                f"{type(loss).__name__} with pairs={loss.pairs!r}, model with "
                f"directed={directed}. Use `pairs={wanted!r}`, or create the model with "
                f"`directed={not directed}`."
            )
    for metric in metrics:
        if getattr(metric, "directed", directed) != directed:
            raise ValueError(
                "`metrics` must count the pairs of nodes of the model. Received: "
                f"{type(metric).__name__} with directed={metric.directed}, model with "
                f"directed={directed}. Use `directed={directed}` in both, or "
                f"`directed={not directed}` in both."
            )


def check_levels(
    quantiles: tuple[float, ...] | None, losses: list[Any], metrics: list[Any]
) -> None:
    """Raises ValueError if a loss or metric of a forecaster does not fit the levels of quantiles.

    Args:
        quantiles: None, or the argument of the model.
        losses, metrics: lists of what `compile` received. Functions and classes of the user are not
            checked.
    """
    usual = {"loss": "losses.QuantileLoss", "metrics": "metrics.QuantileCRPS"}
    for name, given in (("loss", losses), ("metrics", metrics)):
        for one in given:
            levels = getattr(one, "quantiles", None)
            if levels == quantiles or (levels is None and not _is_of_a_library(one)):
                continue
            fix = f"Use `{usual[name]}({quantiles})`."
            if quantiles is None:
                point = f"{'losses' if name == 'loss' else name}.MaskedMeanAbsoluteError"
                fix = f"Create the model with `quantiles={levels}`, or use `{point}`."
            kind = one if isinstance(one, str) else getattr(one, "__name__", type(one).__name__)
            raise ValueError(
                f"`{name}` must have the quantiles of the model, {quantiles}. Received: {kind} "
                f"with quantiles={levels}. {fix}"
            )


def _is_of_a_library(one):
    """Returns whether a loss or metric is one of Keras or of stgkeras, not a function of a user."""
    one = getattr(one, "_fn", one)  # of `keras.metrics.MeanMetricWrapper`
    module = "keras" if isinstance(one, str) else getattr(one, "__module__", None) or ""
    return module.startswith(("keras", "stgkeras"))


def equal_features(x: Any, y: Any) -> list[set[int]]:
    """Finds the features of the input that each feature of the targets is equal to.

    Args:
        x: `datasets.Windows` of arrays (T, N, F) and (T, N, O); or NumPy array (W, L, N, F), or a
            dict with this array as "x" or "recent".
        y: None, or NumPy array (W, H, N, O).

    Returns:
        A list of O sets of features, empty if the data are of another kind. A set is empty if no
        feature is equal.
    """
    if hasattr(x, "inputs") and hasattr(x, "targets"):
        series, targets = _signal(x.inputs), x.targets
        if np.ndim(series) != 3 or np.shape(series)[:2] != np.shape(targets)[:2]:
            return []
        if np.ndim(targets) != 3:
            return []
        steps = np.unique(np.linspace(0, len(series) - 1, MOST_STEPS).astype(int))
        series, targets = (np.asarray(part[steps], "float32") for part in (series, targets))
        return _equal(series, targets, _same)
    x = _signal(x)
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return []
    if x.ndim != 4 or y.ndim != 4 or x.shape[2] != y.shape[2]:
        return []
    # Windows overlap: the first targets of a window are inputs of a later window.
    x, y = (np.asarray(part[:MOST_STEPS], "float32") for part in (x, y))
    nodes = x.shape[2]
    steps = min(x.shape[1], y.shape[1], -(-8 // nodes))
    if steps * nodes < 4:  # too few numbers: they can be equal by chance
        return []
    return _equal(x, y[:, :steps], _overlap)


def _signal(x):
    """Returns the array of the signal, from inputs of a model."""
    return x.get("x", x.get("recent")) if isinstance(x, dict) else x


def _equal(x, y, same):
    features, outputs = range(x.shape[-1]), range(y.shape[-1])
    return [{f for f in features if same(x[..., f], y[..., o])} for o in outputs]


def _same(x, y):
    """Returns whether two series are equal. One of the two may have further missing readings."""
    known = ~(np.isnan(x) | np.isnan(y))
    enough = np.count_nonzero(known) > np.count_nonzero(~np.isnan(y)) / 2
    return bool(enough and (x == y)[known].all())


def _overlap(x, y):
    """Returns whether most targets y (W, n, N) occur in some window of x (W, L, N)."""
    steps = y.shape[1]
    parts = range(x.shape[1] - steps + 1)
    known = {hash(window[part : part + steps].tobytes()) for window in x for part in parts}
    varied = [window for window in y if np.ptp(window) > 0]  # constant ones are equal by chance
    hits = sum(hash(window.tobytes()) in known for window in varied)
    return 0 < len(varied) <= 2 * hits
