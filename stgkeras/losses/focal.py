"""Focal loss for link prediction."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras import arguments
from stgkeras._processes import mean_over_replicas, replicas
from stgkeras.losses.masked import REDUCTIONS
from stgkeras.missing import check_same_shape, is_finite, on_leading_axes
from stgkeras.types import Tensor

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
PAIRS = (None, "undirected", "directed")


@keras.saving.register_keras_serializable("stgkeras")
class FocalLoss(keras.losses.Loss):
    """Focal loss: binary cross-entropy with less weight on well-predicted entries.

        loss = α w^y (1 - e^-bce)^γ bce,    bce = -y log p - (1 - y) log(1 - p)

    For a target y of 0 or 1, `e^-bce` is the predicted probability of the true class.

    With probabilities, logarithms are clipped at -100, so the loss of an entry is at most
    100 α w^y. The gradient of an entry, before averaging, is at most 1e7 in magnitude. It is 0
    where the clip applies: a prediction of exactly 0 for y = 1 has a large loss, but no gradient.
    Logits are not clipped and always have a gradient; prefer `from_logits=True` if the model can
    return logits.

    Args:
        alpha: float > 0. Factor α of the whole loss. It does not balance the classes. Default 0.25.
        gamma: float ≥ 0. Focusing parameter γ. A larger value gives less weight to well-predicted
            entries; 0 gives α times the weighted cross-entropy. Default 2.
        from_logits: bool. Whether `y_pred` holds logits instead of probabilities. Default False.
        positive_weight: float > 0. Weight w of the entries with target 1; see `balanced_weight`.
            A weight above 1 makes the predicted probabilities too high. Default 1.
        pairs: str or None. Entries of adjacency matrices (batch, nodes, nodes) to include in sums
            and means: "directed" for n ≠ m, or "undirected" for n < m, as in the link metrics.
            None includes every entry, for any shape. Default None.
        reduction: as in `keras.losses.Loss`; None returns the loss of every entry.
        name: str. Name of the loss.
        dtype: dtype of the result. With float16 and bfloat16, the loss is computed in float32.

    Call arguments:
        y_true: tensor of any shape. Targets from 0 to 1; values between them are allowed.
        y_pred: tensor of the shape of `y_true`. Probabilities in [0, 1], or logits.
        sample_weight: optional tensor with the leading axes of `y_true` or all its axes: (batch,),
            (batch, nodes), …

    Returns:
        A scalar, or a tensor of the shape of `y_true` if `reduction` is None.

    Raises:
        ValueError: if an argument is out of range, the shapes differ, or `pairs` is set and the
            shape is not (batch, nodes, nodes).

    Example:
        >>> from stgkeras.losses import FocalLoss
        >>> loss = FocalLoss(alpha=1.0, gamma=2.0)
        >>> round(float(loss([[0.0, 1.0]], [[0.1, 0.6]])), 4)
        0.0414

        The cross-entropy of the only pair in a graph of two nodes:

        >>> links = FocalLoss(alpha=1.0, gamma=0.0, pairs="undirected")
        >>> round(float(links([[[0.0, 1.0], [1.0, 0.0]]], [[[0.5, 0.8], [0.8, 0.5]]])), 4)
        0.2231

    Source:
        Lin et al., 2017, arXiv:1708.02002, eq. 4 and 5. Departs from the paper: α is the same for
        both classes. The paper uses α for y = 1 and 1 - α for y = 0; this corresponds to
        α = 1 - α_paper and w = α_paper / (1 - α_paper) here. Targets between 0 and 1 are allowed.
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "focal_loss",
        dtype: str | keras.DTypePolicy | None = None,
        *,
        positive_weight: float = 1.0,
        pairs: str | None = None,
    ) -> None:
        arguments.one_of("reduction", reduction, REDUCTIONS)
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
                f"Received: positive_weight={positive_weight!r}. "
                "Use `positive_weight=1.0` for equal weights of both classes."
            )
        self.alpha = float(alpha)
        self.gamma = float(gamma)
        self.from_logits = arguments.boolean("from_logits", from_logits)
        self.positive_weight = float(positive_weight)
        self.pairs = arguments.one_of("pairs", pairs, PAIRS)

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        y_pred = ops.convert_to_tensor(y_pred)
        weight = None if self.pairs is None else self._pair_weight(tuple(y_pred.shape))
        if sample_weight is not None:
            sample_weight = on_leading_axes(sample_weight, y_pred)
            if weight is not None:
                sample_weight = ops.cast(sample_weight, weight.dtype) * weight
            weight = sample_weight
        if weight is not None and self.reduction == "mean_with_sample_weight":
            # Keras divides by the sum of the weights, which must count every graph of the batch.
            weight = ops.broadcast_to(weight, ops.shape(y_pred))
        loss = super().__call__(y_true, y_pred, weight)
        if self.reduction not in MEANS or replicas() == 1:
            return loss
        if weight is None or self.reduction != "mean_with_sample_weight":
            weight = ops.ones(ops.shape(y_pred))
        return mean_over_replicas(loss, ops.cast(weight, "float32"))

    def _pair_weight(self, shape):
        """Returns the weight of each entry, (1, N, N): 0 for entries outside `pairs`."""
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(
                "`y_pred` must have shape (batch, nodes, nodes) if `pairs` is set. "
                f"Received: y_pred.shape={shape}, pairs={self.pairs!r}. "
                "Use `pairs=None` for other shapes."
            )
        counts = 1.0 - np.eye(shape[1], dtype="float32")
        if self.pairs == "undirected":
            counts = np.triu(counts)
        if self.reduction in ("sum_over_batch_size", "mean") and shape[1] > 1:
            # Keras divides by the number of all entries. This factor changes it to the number of
            # included entries.
            counts /= counts.mean()
        return ops.convert_to_tensor(counts[None])

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        dtype = keras.backend.result_type(self.dtype, "float32")
        y_true, y_pred = ops.cast(y_true, dtype), ops.cast(y_pred, dtype)
        check_same_shape(y_true, y_pred)
        if self.from_logits:
            log_p, log_not_p = -ops.softplus(-y_pred), -ops.softplus(y_pred)
        else:
            # The gradient is at most scale / floor. The last factor covers the part that γ adds.
            scale = self.alpha * max(1.0, self.positive_weight)
            floor = 1e-7 * scale * (1.0 + 1e-6 + 2e-6 * scale * self.gamma)
            log_p = _bounded_log(ops.log, y_pred, y_pred < floor, floor)
            log_not_p = _bounded_log(ops.log1p, -y_pred, 1.0 - y_pred < floor, floor)
        bce = -(y_true * log_p + (1.0 - y_true) * log_not_p)
        # 1e-30 keeps the gradient of the power finite at bce = 0. The loss there remains 0.
        miss = ops.maximum(-ops.expm1(-bce), 1e-30)
        loss = self.alpha * ops.power(miss, self.gamma) * bce
        return loss if self.positive_weight == 1 else loss * self.positive_weight**y_true

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "dtype": self.dtype,
            "positive_weight": self.positive_weight,
            "pairs": self.pairs,
        }


def balanced_weight(num_links: int, num_others: int, beta: float = 1.0) -> float:
    """Computes the weight of links that balances links and pairs without a link in a loss.

        (1 - β^others) / (1 - β^links),    others / links as β → 1

    Args:
        num_links: int ≥ 1. Number of pairs with a link, in all training graphs.
        num_others: int ≥ 1. Number of pairs without a link, in all training graphs.
        beta: float β in [0, 1]. With 1, the weight is `num_others / num_links`; with 0, it is 1.
            With a value between, the effective number of pairs of a class is at most 1 / (1 - β).
            Default 1.

    Returns:
        float for the argument `positive_weight` of `FocalLoss`.

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
            raise ValueError(
                f"`{name}` must be at least 1. Received: {name}={value!r}. "
                "Count the pairs of all training graphs."
            )
    if not is_finite(beta) or not 0 <= beta <= 1:
        raise ValueError(f"`beta` must be from 0 to 1. Received: beta={beta!r}")
    if beta == 1:
        return num_others / num_links
    return (1 - beta**num_others) / (1 - beta**num_links)


def _bounded_log(log, x, near, floor):
    """Computes `log(x)` clipped at -100, with a bounded gradient.

    Where `near` holds, the gradient is 1 / `floor`, or 0 if the value is clipped. The exact value
    has a stopped gradient. The terms that carry the gradient never compute 1 / 0.
    """
    exact = ops.stop_gradient(ops.maximum(log(x), -100.0))
    smooth = log(ops.where(near, 0.5 if log is ops.log else -0.5, x))
    line = ops.where(ops.logical_and(near, exact > -100.0), x, 0.0) / floor
    return smooth + (line - ops.stop_gradient(line)) + ops.stop_gradient(exact - smooth)
