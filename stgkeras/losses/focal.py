"""The loss of predicted links."""

import keras
import numpy as np
from keras import ops

from stgkeras.missing import check_same_shape, is_finite, on_leading_axes

PAIRS = (None, "undirected", "directed")


@keras.saving.register_keras_serializable("stgkeras")
class FocalLoss(keras.losses.Loss):
    """Binary cross-entropy that fades out for entries already predicted well.

        loss = α w^y (1 - e^-bce)^γ bce,    bce = -y log p - (1 - y) log(1 - p)

    With a hard target `e^-bce` is the probability given to the true class. Logarithms stop at
    -100, so no value exceeds 100 α w. The gradient of an entry, before averaging, is at most 1e7 in
    size, and zero where the stop binds: a saturated wrong prediction costs 100 α but pulls nothing.
    Logits have no such stop and pull everywhere; prefer them where the model can give them.

    Args:
        alpha: float > 0. Multiplies the whole loss; it does not balance the classes.
        gamma: float ≥ 0. How fast easy entries fade; 0 leaves α times the cross-entropy.
        from_logits: bool. Whether `y_pred` holds logits instead of probabilities.
        positive_weight: float w > 0. How many times an entry of target 1 counts; see
            `balanced_weight`. Predicted probabilities then come out too high.
        pairs: None, and every entry counts; "directed" for adjacency matrices (batch, nodes,
            nodes) whose pairs n ≠ m count; or "undirected" for those with n < m, as the metrics
            count them. Sums and means are over these.
        reduction: As in `keras.losses.Loss`; None gives the loss of every entry.
        name: string. Name of the loss.
        dtype: Dtype of the result; float16 and bfloat16 still compute in float32.

    Call arguments:
        y_true: any shape, targets in [0, 1], hard or soft.
        y_pred: the shape of `y_true`, probabilities in [0, 1] or logits.
        sample_weight: optional, the leading axes of `y_true` or all: (batch,), (batch, nodes), …

    Returns:
        A scalar, or the shape of `y_true` if `reduction` is None.

    Raises:
        ValueError: if an argument is out of range, the shapes differ, or with `pairs` are not
            (batch, nodes, nodes).

    Example:
        >>> from stgkeras.losses import FocalLoss
        >>> loss = FocalLoss(alpha=1.0, gamma=2.0)
        >>> round(float(loss([[0.0, 1.0]], [[0.1, 0.6]])), 4)
        0.0414

        The cross-entropy of the one pair of two nodes:

        >>> links = FocalLoss(alpha=1.0, gamma=0.0, pairs="undirected")
        >>> round(float(links([[[0.0, 1.0], [1.0, 0.0]]], [[[0.5, 0.8], [0.8, 0.5]]])), 4)
        0.2231

    Source:
        Lin et al., 2017, arXiv:1708.02002, eq. 4 and 5. Departs from the paper: one α for both
        classes where the paper has α_t (α for y = 1, 1 - α for y = 0): take α = 1 - α_paper and
        w = α_paper / (1 - α_paper). Soft targets are allowed.
    """

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        reduction="sum_over_batch_size",
        name="focal_loss",
        dtype=None,
        *,
        positive_weight=1.0,
        pairs=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not is_finite(alpha) or alpha <= 0:
            raise ValueError(
                f"`alpha` must be a finite number above 0. Received: alpha={alpha!r}. "
                "Use `alpha=1.0` to leave the loss unscaled."
            )
        if not is_finite(gamma) or gamma < 0:
            raise ValueError(
                f"`gamma` must be a finite number of at least 0. Received: gamma={gamma!r}. "
                "Use `gamma=0.0` for plain cross-entropy."
            )
        if not is_finite(positive_weight) or positive_weight <= 0:
            raise ValueError(
                "`positive_weight` must be a finite number above 0. "
                f"Received: positive_weight={positive_weight!r}"
            )
        if pairs not in PAIRS:
            raise ValueError(f"`pairs` must be one of {PAIRS}. Received: pairs={pairs!r}")
        self.alpha = float(alpha)
        self.gamma = float(gamma)
        self.from_logits = from_logits
        self.positive_weight = float(positive_weight)
        self.pairs = pairs

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        weight = None if self.pairs is None else self._pair_weight(tuple(y_pred.shape))
        if sample_weight is not None:
            sample_weight = on_leading_axes(sample_weight, y_pred)
            if weight is not None:
                sample_weight = ops.cast(sample_weight, weight.dtype) * weight
            weight = sample_weight
        return super().__call__(y_true, y_pred, weight)

    def _pair_weight(self, shape):
        """(1, N, N) of the pairs that count, 0 elsewhere."""
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(
                "`y_pred` must have shape (batch, nodes, nodes) with `pairs`. "
                f"Received: y_pred of shape {shape}"
            )
        counts = 1.0 - np.eye(shape[1], dtype="float32")
        if self.pairs == "undirected":
            counts = np.triu(counts)
        if self.reduction in ("sum_over_batch_size", "mean") and shape[1] > 1:
            counts /= counts.mean()  # Keras will divide by the number of all entries
        return ops.convert_to_tensor(counts[None])

    def call(self, y_true, y_pred):
        dtype = keras.backend.result_type(self.dtype, "float32")
        y_true, y_pred = ops.cast(y_true, dtype), ops.cast(y_pred, dtype)
        check_same_shape(y_true, y_pred)
        if self.from_logits:
            log_p, log_not_p = -ops.softplus(-y_pred), -ops.softplus(y_pred)
        else:
            # scale / floor bounds the slope of the loss; the last factor is for what γ adds to it.
            scale = self.alpha * max(1.0, self.positive_weight)
            floor = 1e-7 * scale * (1.0 + 1e-6 + 2e-6 * scale * self.gamma)
            log_p = _bounded_log(ops.log, y_pred, y_pred < floor, floor)
            log_not_p = _bounded_log(ops.log1p, -y_pred, 1.0 - y_pred < floor, floor)
        bce = -(y_true * log_p + (1.0 - y_true) * log_not_p)
        # 1e-30 keeps the slope of the power finite at bce = 0, and changes no value there.
        miss = ops.maximum(-ops.expm1(-bce), 1e-30)
        loss = self.alpha * ops.power(miss, self.gamma) * bce
        return loss if self.positive_weight == 1 else loss * self.positive_weight**y_true

    def get_config(self):
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "dtype": self.dtype,
            "positive_weight": self.positive_weight,
            "pairs": self.pairs,
        }


def balanced_weight(num_links, num_others, beta=1.0):
    """How many times a link should count, for links and their absence to matter alike.

        (1 - β^others) / (1 - β^links),    others / links as β → 1

    Args:
        num_links: int ≥ 1. Pairs that are linked, in all training graphs.
        num_others: int ≥ 1. Pairs that are not.
        beta: float in [0, 1]. 1 weighs by numbers; 0 leaves both at 1; between them, more than
            about 1 / (1 - β) examples of a class count no more than that many.

    Returns:
        float, `positive_weight` of `FocalLoss`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> import stgkeras
        >>> stgkeras.losses.balanced_weight(10, 990)
        99.0

    Source:
        Cui et al., 2019, arXiv:1901.05555, eq. 3: the ratio of the weights of two classes.
    """
    for name, value in (("num_links", num_links), ("num_others", num_others)):
        if not is_finite(value) or value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value!r}")
    if not is_finite(beta) or not 0 <= beta <= 1:
        raise ValueError(f"`beta` must lie in [0, 1]. Received: beta={beta!r}")
    if beta == 1:
        return num_others / num_links
    return (1 - beta**num_others) / (1 - beta**num_links)


def _bounded_log(log, x, near, floor):
    """`log(x)` stopped at -100; where `near`, its slope is 1 / `floor`, or 0 if the stop binds.

    The exact value enters without a gradient; what carries the gradient never meets 1 / 0.
    """
    exact = ops.stop_gradient(ops.maximum(log(x), -100.0))
    smooth = log(ops.where(near, 0.5 if log is ops.log else -0.5, x))
    line = ops.where(ops.logical_and(near, exact > -100.0), x, 0.0) / floor
    return smooth + (line - ops.stop_gradient(line)) + ops.stop_gradient(exact - smooth)
