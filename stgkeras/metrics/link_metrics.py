"""Metrics of predicted links for `compile`."""

import keras
import numpy as np
from keras import ops

from stgkeras.missing import add_sum

BINS = 2048


class _LinkMetric(keras.metrics.Metric):
    """What the metrics of links share: which pairs count, and sums of them over an epoch."""

    def __init__(self, shape, directed, name, dtype):
        super().__init__(name=name, dtype=dtype)
        self.directed = bool(directed)
        # Whole numbers, counted in units and in 2^20: float32 alone stops at 2^24.
        self._counts = self.add_variable((2, *shape), "zeros", dtype="float32", name="counts")

    def _pairs(self, y_true, y_pred, sample_weight):
        """Links and probabilities (batch, pairs), of pairs n ≠ m, or n < m if undirected."""
        if sample_weight is not None:
            raise ValueError("`sample_weight` must be None: all pairs count alike.")
        y_true, y_pred = (ops.cast(ops.convert_to_tensor(y), "float32") for y in (y_true, y_pred))
        shape = tuple(y_pred.shape)
        if len(shape) != 3 or shape[1] != shape[2] or tuple(y_true.shape)[1:] != shape[1:]:
            raise ValueError(
                "`y_true` and `y_pred` must have one shape (batch, nodes, nodes). "
                f"Received: {tuple(y_true.shape)} and {shape}"
            )
        nodes = shape[1]
        pairs = ~np.eye(nodes, dtype=bool)
        pairs = np.flatnonzero(pairs if self.directed else np.triu(pairs))
        return tuple(
            ops.take(ops.reshape(y, (-1, nodes * nodes)), pairs, axis=1) for y in (y_true, y_pred)
        )

    def _add(self, counts, y_true, y_pred):
        """Adds whole numbers below 2^24, and NaN to all if one of the pairs counted is NaN."""
        both = y_true + y_pred
        low = self._counts[0] + counts + ops.sum(ops.where(ops.isnan(both), both, 0.0))
        carry = ops.floor(low / 2**20)
        self._counts.assign(ops.stack([low - carry * 2**20, self._counts[1] + carry]))

    def _totals(self):
        return self._counts[0] + self._counts[1] * 2.0**20

    def get_config(self):
        return {**super().get_config(), "directed": self.directed}


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkF1(_LinkMetric):
    """F1 of links: harmonic mean of precision and recall, over all pairs of an epoch.

    Args:
        threshold: float. Pairs of at least this probability are called links; see
            `best_threshold`.
        directed: bool. Whether pairs n ≠ m count twice, or once as n < m. Self loops never count.
        name: string. Name in the logs.
        dtype: as in `keras.metrics.Metric`.

    Call arguments:
        y_true: (batch, nodes, nodes) of 0 and 1.
        y_pred: the shape of `y_true`, probabilities.

    Returns:
        A scalar; 0 where there is neither a link nor one predicted. NaN once a pair that counts is
        NaN in `y_true` or `y_pred`, until `reset_state`, which `fit` calls as an epoch begins.

    Raises:
        ValueError: if the shapes differ, or there are sample weights.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.1], [0.2, 0.1, 0]]])
        >>> round(float(stgkeras.metrics.LinkF1()(truth, probability)), 4)
        0.6667
    """

    def __init__(self, threshold=0.5, directed=False, name="link_f1", dtype=None):
        super().__init__((3,), directed, name, dtype)
        self.threshold = float(threshold)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = self._pairs(y_true, y_pred, sample_weight)
        called = ops.cast(y_pred >= self.threshold, "float32")
        sums = [ops.sum(part) for part in (y_true * called, y_true, called)]
        self._add(ops.stack(sums), y_true, y_pred)

    def result(self):
        hits, links, called = ops.unstack(self._totals(), 3)
        return 2.0 * hits / ops.maximum(links + called, 1.0)

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkBrier(_LinkMetric):
    """Brier score of links: mean squared error of probabilities, over all pairs of an epoch.

    Sums and counts run over all batches, so the figure is the mean over all pairs, to 1e-6.

    Args, call and errors as in `LinkF1`, without `threshold`.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1], [1, 0]]])
        >>> float(stgkeras.metrics.LinkBrier()(truth, 0.5 * truth))
        0.25
    """

    def __init__(self, directed=False, name="link_brier", dtype=None):
        super().__init__((1,), directed, name, dtype)
        self._errors = self.add_variable((2,), "zeros", dtype="float32", name="errors")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = self._pairs(y_true, y_pred, sample_weight)
        errors = ops.square(y_pred - y_true)
        add_sum(self._errors, errors)
        self._add(ops.reshape(ops.sum(ops.ones_like(errors)), (1,)), y_true, y_pred)

    def result(self):
        return self._errors[0] / ops.maximum(self._totals()[0], 1.0)


class _LinkRanking(_LinkMetric):
    """What the ranking metrics share: histograms of the logits of links and of other pairs."""

    def __init__(self, directed, name, dtype):
        super().__init__((2, BINS), directed, name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = self._pairs(y_true, y_pred, sample_weight)
        # NaN to 0.5: as an int it is another number on each backend. `_add` sees to it.
        p = ops.clip(ops.where(ops.isnan(y_pred), 0.5, y_pred), 1e-7, 1.0 - 1e-7)
        logit = ops.log(p) - ops.log1p(-p)  # within ±16.2
        place = ops.cast(ops.floor((logit + 16.5) * (BINS / 33.0)), "int32")
        place = ops.reshape(place + BINS * ops.cast(y_true > 0, "int32"), (-1,))
        counts = ops.segment_sum(ops.ones_like(place, dtype="float32"), place, 2 * BINS)
        self._add(ops.reshape(counts, (2, BINS)), y_true, y_pred)

    def _from_high(self):
        """Counts of other pairs and of links in each bin, and their sums from the highest on."""
        others, links = ops.unstack(ops.flip(self._totals(), axis=1), 2)
        return others, links, ops.cumsum(others), ops.cumsum(links)


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkAUC(_LinkRanking):
    """Area under the ROC curve of links, over all pairs of an epoch, from a histogram.

    Probabilities are sorted into 2048 bins of their logit; pairs of one bin count as equal.
    `bound()` says how far the exact value, `link_scores`, can be off at most.

    Args, call and errors as in `LinkF1`, without `threshold`. NaN until both links and other pairs
    were seen.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.5], [0.2, 0.5, 0]]])
        >>> metric = stgkeras.metrics.LinkAUC()
        >>> float(metric(truth, probability)), float(metric.bound())
        (0.5, 0.0)
    """

    def __init__(self, directed=False, name="link_auc", dtype=None):
        super().__init__(directed, name, dtype)

    def result(self):
        others, links, _, above = self._from_high()
        won = ops.sum(others * (above - 0.5 * links))
        return won / (ops.sum(others) * ops.sum(links))

    def bound(self):
        """Largest possible difference to the exact value, (scalar)."""
        others, links, _, _ = self._from_high()
        return 0.5 * ops.sum(others * links) / (ops.sum(others) * ops.sum(links))


@keras.saving.register_keras_serializable("stgkeras.metrics")
class LinkAveragePrecision(_LinkRanking):
    """Average precision of links, over all pairs of an epoch, from a histogram.

    As `LinkAUC`; the value lies in the middle of the smallest and the largest possible one.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.5], [0.2, 0.5, 0]]])
        >>> metric = stgkeras.metrics.LinkAveragePrecision()
        >>> round(float(metric(truth, probability)), 4), float(metric.bound())
        (0.8333, 0.0)
    """

    def __init__(self, directed=False, name="link_average_precision", dtype=None):
        super().__init__(directed, name, dtype)

    def result(self):
        low, high = self._limits()
        return 0.5 * (low + high)

    def bound(self):
        """Largest possible difference to the exact value, (scalar)."""
        low, high = self._limits()
        return 0.5 * (high - low)

    def _limits(self):
        # In a bin, links may come after all the others, or before them. The first of them then
        # has the smallest precision, the last the largest.
        others, links, others_above, links_above = self._from_high()
        before, others_before = links_above - links, others_above - others
        worst = (before + 1.0) / (before + 1.0 + others_above)
        best = links_above / ops.maximum(links_above + others_before, 1.0)
        return (ops.sum(links * limit) / ops.sum(links) for limit in (worst, best))
