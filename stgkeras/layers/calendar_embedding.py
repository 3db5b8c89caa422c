from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers._clock import calendar_rows
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class CalendarEmbedding(keras.layers.Layer):
    """Calendar embedding: trainable vectors of the time of day and of the day of the week.

        y = a[time of day] ‖ b[day of the week]

    a has a vector for each step of the day, b for each day of the week, and ‖ is concatenation.

    Args:
        steps_per_day: int. Number of steps in a day.
        day_units: int ≥ 0. Length of the vector of the time of day. 0 means no such vector.
        week_units: int ≥ 0. Length of the vector of the day of the week. 0 means no such vector.

    Call arguments:
        calendar: tensor (..., 2), `datasets.calendar`: the time of day in [0, 1), and the day of
            the week from 0 (Monday) to 6.

    Returns:
        Tensor (..., day_units + week_units).

    Raises:
        ValueError: if an argument is invalid, both numbers of units are 0, or the last axis of
            `calendar` is not 2.

    Example:
        >>> import numpy as np, stgkeras
        >>> monday_noon = np.array([[0.5, 0.0]], "float32")
        >>> tuple(stgkeras.layers.CalendarEmbedding(288, 16, 8)(monday_noon).shape)
        (1, 24)

    Source:
        Shao et al., 2022, arXiv:2208.05233, the temporal identities. Departs from the released
        code, which rounds the time of day down: a time that is a step of the day but for rounding
        errors is this step here.
    """

    def __init__(self, steps_per_day: int, day_units: int, week_units: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # half precision cannot tell steps apart
        self.steps_per_day = _checks.integer("steps_per_day", steps_per_day)
        self.day_units = _checks.integer("day_units", day_units, 0)
        self.week_units = _checks.integer("week_units", week_units, 0)
        if not self.day_units + self.week_units:
            raise ValueError(
                "`day_units` or `week_units` must be above 0. Received: day_units=0, week_units=0. "
                "Leave the layer out."
            )

    def build(self, calendar_shape: tuple) -> None:
        self._check(calendar_shape)
        if self.day_units:
            shape = (self.steps_per_day, self.day_units)
            self.day_embeddings = self.add_weight(shape, "glorot_uniform", name="day_embeddings")
        if self.week_units:
            shape = (7, self.week_units)
            self.week_embeddings = self.add_weight(shape, "glorot_uniform", name="week_embeddings")

    def call(self, calendar: Tensor) -> Tensor:
        parts = []
        step, day = calendar_rows(calendar, self.steps_per_day)
        if self.day_units:
            parts.append(ops.take(self.day_embeddings, step, axis=0))
        if self.week_units:
            parts.append(ops.take(self.week_embeddings, day, axis=0))
        return ops.cast(ops.concatenate(parts, axis=-1), self.compute_dtype)

    def compute_output_shape(self, calendar_shape: tuple) -> tuple:
        self._check(calendar_shape)
        return (*calendar_shape[:-1], self.day_units + self.week_units)

    def _check(self, shape):
        if len(shape) < 2 or shape[-1] != 2:
            raise ValueError(
                "`calendar` must have axes (..., 2), time of day and day of the week. Received: "
                f"calendar.shape={tuple(shape)}. Use `datasets.calendar`."
            )

    def get_config(self) -> dict[str, Any]:
        names = ("steps_per_day", "day_units", "week_units")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
