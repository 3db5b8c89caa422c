from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers._clock import calendar_rows
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class SpatioTemporalEmbedding(keras.layers.Layer):
    """Spatio-temporal embedding: adds trainable vectors of the node and of a time.

        y[n] = x[n] + e[n] + a[time of day] + b[day of the week]

    e has a vector for each node, a for each step of the day, and b for each day of the week.
    `NodeEmbedding` and `CalendarEmbedding` append such vectors instead.

    Args:
        steps_per_day: int. Number of steps in a day.

    Call arguments:
        x: tensor (batch, nodes, features).
        calendar: tensor (batch, 2), `datasets.calendar` of one time of each sample.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: if `steps_per_day` is below 1, or the arguments have other axes.

    Example:
        >>> import numpy as np, stgkeras
        >>> x, noon = np.ones((2, 5, 16), "float32"), np.array([[0.5, 0.0], [0.5, 6.0]], "float32")
        >>> tuple(stgkeras.layers.SpatioTemporalEmbedding(288)(x, noon).shape)
        (2, 5, 16)

    Source:
        Zhao et al., 2026, arXiv:2601.05174 (FaST), the embeddings of its input and its router.
        Departs from the released code in the rounding of the time, as `CalendarEmbedding`.
    """

    def __init__(self, steps_per_day: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # half precision cannot tell steps apart
        self.steps_per_day = _checks.integer("steps_per_day", steps_per_day)

    def build(self, x_shape: tuple, calendar_shape: tuple) -> None:
        self._check(x_shape, calendar_shape)
        rows = {"node": x_shape[1], "day": self.steps_per_day, "week": 7}
        for name, count in rows.items():
            vectors = self.add_weight(
                (count, x_shape[-1]), "glorot_uniform", name=f"{name}_embeddings"
            )
            setattr(self, f"{name}_embeddings", vectors)

    def call(self, x: Tensor, calendar: Tensor) -> Tensor:
        step, day = calendar_rows(calendar, self.steps_per_day)
        known = ops.take(self.day_embeddings, step, axis=0)
        known = known + ops.take(self.week_embeddings, day, axis=0)  # (B, C)
        parts = (x, self.node_embeddings, ops.expand_dims(known, 1))
        return sum(ops.cast(part, self.compute_dtype) for part in parts)

    def compute_output_shape(self, x_shape: tuple, calendar_shape: tuple) -> tuple:
        self._check(x_shape, calendar_shape)
        return x_shape

    def _check(self, x_shape, calendar_shape):
        _checks.signal(x_shape, "(batch, nodes, features)")
        if len(calendar_shape) != 2 or calendar_shape[-1] != 2:
            raise ValueError(
                "`calendar` must have axes (batch, 2), time of day and day of the week. Received: "
                f"calendar.shape={tuple(calendar_shape)}. Use `datasets.calendar`."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps_per_day": self.steps_per_day}
