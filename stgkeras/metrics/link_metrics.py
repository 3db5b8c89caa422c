"""Keras metrics for predicted links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras import arguments
from stgkeras.missing import add_sum
from stgkeras.types import Tensor

BINS = 2048  # bins of the histograms of logits


class _LinkMetric(keras.metrics.Metric):
    """Base class of the link metrics: selects pairs of nodes and counts them over an epoch."""

    def __init__(
        self,
        shape: Sequence[int],
        directed: bool,
        name: str | None,
        dtype: str | keras.DTypePolicy | None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.directed = arguments.boolean("directed", directed)
        # A count is counts[0] + 2^20 counts[1], because a float32 counts exactly only up to 2^24.
        self._counts = self.add_variable((2, *shape), "zeros", dtype="float32", name="counts")

    def _pairs(self, y_true, y_pred, sample_weight):
        """Returns links and probabilities of the pairs n ≠ m, or n < m if undirected.

        Each has shape (batch, pairs).
        """
        if sample_weight is not None:
            raise ValueError(
                "`sample_weight` must be None, because all pairs have equal weight. Received: "
                f"sample_weight of type {type(sample_weight).__name__}. "
                "Pass the metric to `compile` in `metrics`, not in `weighted_metrics`."
            )
        y_true, y_pred = (ops.cast(ops.convert_to_tensor(y), "float32") for y in (y_true, y_pred))
        shape = tuple(y_pred.shape)
        if len(shape) != 3 or shape[1] != shape[2] or tuple(y_true.shape)[1:] != shape[1:]:
            raise ValueError(
                "`y_true` and `y_pred` must have the same shape (batch, nodes, nodes). "
                f"Received: y_true.shape={tuple(y_true.shape)}, y_pred.shape={shape}"
            )
        nodes = shape[1]
        pairs = ~np.eye(nodes, dtype=bool)
        pairs = np.flatnonzero(pairs if self.directed else np.triu(pairs))
        return tuple(
            ops.take(ops.reshape(y, (-1, nodes * nodes)), pairs, axis=1) for y in (y_true, y_pred)
        )

    def _add(self, counts, y_true, y_pred):
        """Adds integers below 2^24 to the counts. If a pair is NaN, all counts become NaN."""
        both = y_true + y_pred
        low = self._counts[0] + counts + ops.sum(ops.where(ops.isnan(both), both, 0.0))
        carry = ops.floor(low / 2**20)
        self._counts.assign(ops.stack([low - carry * 2**20, self._counts[1] + carry]))

    def _totals(self):
        return self._counts[0] + self._counts[1] * 2.0**20

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "directed": self.directed}


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkF1(_LinkMetric):
    """F1 score of links: harmonic mean of precision and recall, over all pairs of an epoch.

    Args:
        threshold: float. A pair with at least this probability is a predicted link.
            `best_threshold` computes a good value. Default 0.5.
        directed: bool. Whether to include all pairs n ≠ m, or only n < m. Self loops are never
            included. Default False.
        name: str. Name in the logs.
        dtype: as in `keras.metrics.Metric`.

    Call arguments:
        y_true: tensor (batch, nodes, nodes) of 0 and 1.
        y_pred: tensor of the shape of `y_true`. Probabilities.

    Returns:
        A scalar. It is 0 if there are neither links nor predicted links. If an included pair is
        NaN in `y_true` or `y_pred`, the result is NaN until `reset_state` is called. `fit` calls
        `reset_state` at the start of each epoch.

    Raises:
        ValueError: if the shapes differ, or if `sample_weight` is given.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.1], [0.2, 0.1, 0]]])
        >>> round(float(stgkeras.metrics.LinkF1()(truth, probability)), 4)
        0.6667
    """

    def __init__(
        self,
        threshold: float = 0.5,
        directed: bool = False,
        name: str | None = "link_f1",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__((3,), directed, name, dtype)
        self.threshold = arguments.number("threshold", threshold)

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        y_true, y_pred = self._pairs(y_true, y_pred, sample_weight)
        called = ops.cast(y_pred >= self.threshold, "float32")
        sums = [ops.sum(part) for part in (y_true * called, y_true, called)]
        self._add(ops.stack(sums), y_true, y_pred)

    def result(self) -> Tensor:
        hits, links, called = ops.unstack(self._totals(), 3)
        return 2.0 * hits / ops.maximum(links + called, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkBrier(_LinkMetric):
    """Brier score of links: mean squared error of probabilities, over all pairs of an epoch.

    The rounding error is at most 1e-6 for any number of pairs. The arguments, the call and the
    errors are those of `LinkF1`, but without `threshold`.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1], [1, 0]]])
        >>> float(stgkeras.metrics.LinkBrier()(truth, 0.5 * truth))
        0.25
    """

    def __init__(
        self,
        directed: bool = False,
        name: str | None = "link_brier",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__((1,), directed, name, dtype)
        self._errors = self.add_variable((2,), "zeros", dtype="float32", name="errors")

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        y_true, y_pred = self._pairs(y_true, y_pred, sample_weight)
        errors = ops.square(y_pred - y_true)
        add_sum(self._errors, errors)
        self._add(ops.reshape(ops.sum(ops.ones_like(errors)), (1,)), y_true, y_pred)

    def result(self) -> Tensor:
        return self._errors[0] / ops.maximum(self._totals()[0], 1.0)


class _LinkRanking(_LinkMetric):
    """Base class of the ranking metrics: histograms of the logits of links and of other pairs."""

    def __init__(
        self, directed: bool, name: str | None, dtype: str | keras.DTypePolicy | None
    ) -> None:
        super().__init__((2, BINS), directed, name, dtype)

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        y_true, y_pred = self._pairs(y_true, y_pred, sample_weight)
        # Each backend converts NaN to a different integer, so NaN is replaced by 0.5 here. `_add`
        # then sets the counts to NaN.
        p = ops.clip(ops.where(ops.isnan(y_pred), 0.5, y_pred), 1e-7, 1.0 - 1e-7)
        logit = ops.log(p) - ops.log1p(-p)  # within ±16.2
        place = ops.cast(ops.floor((logit + 16.5) * (BINS / 33.0)), "int32")
        place = ops.reshape(place + BINS * ops.cast(y_true > 0, "int32"), (-1,))
        counts = ops.segment_sum(ops.ones_like(place, dtype="float32"), place, 2 * BINS)
        self._add(ops.reshape(counts, (2, BINS)), y_true, y_pred)

    def _from_high(self):
        """Returns counts of other pairs and of links, from the highest bin, and their cumsums."""
        others, links = ops.unstack(ops.flip(self._totals(), axis=1), 2)
        return others, links, ops.cumsum(others), ops.cumsum(links)


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkAUC(_LinkRanking):
    """Area under the ROC curve of links, over all pairs of an epoch, from a histogram.

    The histogram has 2048 bins of the logit. Pairs in the same bin count as equally probable, so
    the result is approximate. `bound()` returns the largest possible error. `link_scores` computes
    the exact value.

    The arguments, the call and the errors are those of `LinkF1`, but without `threshold`. The
    result is NaN until the metric has received both links and pairs without a link.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.5], [0.2, 0.5, 0]]])
        >>> metric = stgkeras.metrics.LinkAUC()
        >>> float(metric(truth, probability)), float(metric.bound())
        (0.5, 0.0)
    """

    def __init__(
        self,
        directed: bool = False,
        name: str | None = "link_auc",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(directed, name, dtype)

    def result(self) -> Tensor:
        others, links, _, above = self._from_high()
        won = ops.sum(others * (above - 0.5 * links))
        return won / (ops.sum(others) * ops.sum(links))

    def bound(self) -> Tensor:
        """Returns the largest possible difference from the exact value, as a scalar."""
        others, links, _, _ = self._from_high()
        return 0.5 * ops.sum(others * links) / (ops.sum(others) * ops.sum(links))


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkAveragePrecision(_LinkRanking):
    """Average precision of links, over all pairs of an epoch, from a histogram.

    The order of the pairs within a bin is unknown. The result is the midpoint between the smallest
    and the largest possible value. `LinkAUC` describes the histogram and the arguments.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.5], [0.2, 0.5, 0]]])
        >>> metric = stgkeras.metrics.LinkAveragePrecision()
        >>> round(float(metric(truth, probability)), 4), float(metric.bound())
        (0.8333, 0.0)
    """

    def __init__(
        self,
        directed: bool = False,
        name: str | None = "link_average_precision",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(directed, name, dtype)

    def result(self) -> Tensor:
        low, high = self._limits()
        return 0.5 * (low + high)

    def bound(self) -> Tensor:
        """Returns the largest possible difference from the exact value, as a scalar."""
        low, high = self._limits()
        return 0.5 * (high - low)

    def _limits(self):
        # The order of the pairs in a bin is unknown. Worst case: the other pairs come first, and
        # the precision is smallest at the first link. Best case: the links come first, and the
        # precision is largest at the last link.
        others, links, others_above, links_above = self._from_high()
        before, others_before = links_above - links, others_above - others
        worst = (before + 1.0) / (before + 1.0 + others_above)
        best = links_above / ops.maximum(links_above + others_before, 1.0)
        return (ops.sum(links * limit) / ops.sum(links) for limit in (worst, best))
