from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers._clock import season_rows
from stgkeras.layers._state import StateLayer, unset
from stgkeras.seasons import pieces, seasonal_mean, slots, ten_minutes
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class SeasonalScaler(StateLayer):
    """Seasonal adjustment: removes the daily pattern from readings, and adds it to forecasts.

        y = (x - season[kind of day, time of day, node]) / std
        with inverse=True: y = x · std + season[kind of day, time of day, node]

    The season is the mean training value of a node at a time of day, with separate means for
    working days and weekends. Each mean also uses the values up to ten minutes before and after, so
    that the pattern of a single day has less influence. std is the standard deviation of
    x - season, one number for each feature.

    `adapt` computes the season and std. Both are saved with the weights. Before `adapt` is called
    or weights are loaded, a call raises ValueError, or returns NaN while JAX traces the call.

    Args:
        num_nodes: int. Number of nodes N.
        num_features: int. Number of features F.
        steps_per_day: int. Number of steps of the series in a day.
        targets: None, or a sequence of ints: the features that the inverse returns, counted from 0.
            None means the first ones. Default None.

    Call arguments:
        x: tensor (batch, time, nodes, features) in original units. It may hold only the first of
            the F features. NaN is a missing reading; the season replaces it. With inverse=True,
            the features are `targets`, and `x` may have a further axis, of quantiles.
        calendar: tensor (batch, time, 2), `datasets.calendar` of the steps of `x`. With `steps`,
            (batch, horizon, 2), the calendar of the steps to predict.
        steps: None, or list of ints: position of each step of `x`, counted from the first step of
            `calendar`. The layer then assumes days of 24 hours without holidays between these
            steps. Default None.
        inverse: bool. Whether to apply the inverse, from standardised values to original units.
            Default False.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: if an argument is below 1, the shapes do not fit each other, or the season was
            never computed.

    Example:
        >>> import numpy as np, stgkeras
        >>> hours = np.datetime64("2024-01-01T00", "h") + np.arange(14 * 24)
        >>> calendar = stgkeras.datasets.calendar(hours)
        >>> values = 50 + 10 * np.sin(2 * np.pi * calendar[:, :1, None]) + np.ones((1, 3, 1))
        >>> scaler = stgkeras.layers.SeasonalScaler(3, 1, steps_per_day=24)
        >>> scaler.adapt(values, calendar)
        >>> y = scaler(values[None, :12], calendar[None, :12])
        >>> bool(abs(np.asarray(y)).max() < 1e-5)
        True
    """

    _what = "The season"
    _remedy = "Call `model.adapt(…)` with the training steps and their calendar"

    def __init__(
        self,
        num_nodes: int,
        num_features: int,
        steps_per_day: int,
        targets: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_features = _checks.integer("num_features", num_features)
        self.steps_per_day = _checks.integer("steps_per_day", steps_per_day)
        self.targets = _checks.targets(targets, self.num_features)
        shape = (2 * self.steps_per_day, self.num_nodes, self.num_features)
        self.season = self.add_weight(shape, unset(), trainable=False, name="season")
        self.std = self.add_weight((self.num_features,), unset(), trainable=False, name="std")
        self.built = True

    def _first_variable(self):
        return self.std

    def adapt(self, values: Array, calendar: Array) -> None:
        """Computes the season and the standard deviation from training values.

        If a node has no reading at a time of day, the season is the mean of the node over this kind
        of day (working day or weekend). Without such readings, the season is the mean of the node,
        or else the mean of all nodes.

        Args:
            values: array (T, nodes, features), in original units, NaN where a reading is missing. A
                memory map is read in pieces.
            calendar: array (T, 2), `datasets.calendar` of the same steps.

        Raises:
            ValueError: if `values` or `calendar` has another shape, `values` has infinite numbers,
                or a feature has no reading.
        """
        values, calendar = np.asarray(values), np.asarray(calendar)
        if values.shape[1:] != (self.num_nodes, self.num_features) or values.ndim != 3:
            raise ValueError(
                f"`values` must have axes (time, {self.num_nodes} nodes, {self.num_features} "
                f"features). Received: values.shape={values.shape}. Pass readings of these nodes "
                "and features."
            )
        if calendar.shape != (len(values), 2):
            raise ValueError(
                f"`calendar` must have shape ({len(values)}, 2), two numbers for each step of "
                f"`values`. Received: calendar.shape={calendar.shape}. "
                "Use `stgkeras.datasets.calendar` of the same steps."
            )
        parts = pieces(values)
        infinite = any(np.isinf(values[part]).any() for part in parts)
        count = sum((~np.isnan(values[part])).sum(axis=(0, 1)) for part in parts)
        if infinite or not np.all(count):
            raise ValueError(
                "`values` must be finite, or NaN for a missing reading, and each feature must have "
                f"readings. Received: infinite readings: {infinite}, readings of each feature: "
                f"{count.tolist()}. Set invalid readings to NaN, and leave out features that have "
                "no readings."
            )
        season = seasonal_mean(
            values, calendar, self.steps_per_day, ten_minutes(self.steps_per_day)
        )
        rows = slots(calendar, self.steps_per_day)
        rests = (values[part] - season[rows[part]] for part in parts)
        std = np.sqrt(sum(np.nansum(np.square(rest), axis=(0, 1)) for rest in rests) / count)
        self.season.assign(season)
        self.std.assign(np.where(std > 0, std, 1.0))

    def call(
        self, x: Tensor, calendar: Tensor, steps: Sequence[int] | None = None, inverse: bool = False
    ) -> Tensor:
        self._check(x.shape, calendar.shape, steps, inverse)
        rows = season_rows(calendar, self.steps_per_day, steps)  # (B, T)
        season, std = self.read(self.season), self.read(self.std)
        if inverse and self.targets is not None:
            season, std = (ops.take(part, self.targets, axis=-1) for part in (season, std))
        features = x.shape[3]
        season = ops.take(season, rows, axis=0)[..., :features]
        std = std[:features]
        if inverse and len(x.shape) == 5:
            return x * std[:, None] + season[..., None]
        if inverse:
            return x * std + season
        return (ops.where(ops.isnan(x), season, x) - season) / std

    def scale_of(self, feature: int) -> tuple[float, float]:
        """Returns the mean and the standard deviation of a feature, about its overall mean."""
        season = ops.convert_to_numpy(self.season)[..., feature]
        std = float(ops.convert_to_numpy(self.std)[feature])
        return float(season.mean()), float(np.hypot(season.std(), std))

    def compute_output_spec(
        self, x: Tensor, calendar: Tensor, steps: Sequence[int] | None = None, inverse: bool = False
    ) -> keras.KerasTensor:
        self._check(x.shape, calendar.shape, steps, inverse)
        return keras.KerasTensor(x.shape, self.compute_dtype)

    def _check(self, x_shape, calendar_shape, steps, inverse):
        _checks.signal(x_shape[:4] if inverse and len(x_shape) == 5 else x_shape)
        if inverse and self.targets is not None and x_shape[3] != len(self.targets):
            raise ValueError(
                f"`x` must have the features targets={self.targets} with inverse=True. "
                f"Received: x.shape={tuple(x_shape)}. Create the scaler with the `targets` of `x`."
            )
        if len(calendar_shape) != 3 or calendar_shape[-1] != 2:
            raise ValueError(
                "`calendar` must have axes (batch, horizon, 2). "
                f"Received: calendar.shape={tuple(calendar_shape)}"
            )
        count = calendar_shape[1] if steps is None else len(steps)
        sizes = x_shape[1] == count and x_shape[2] == self.num_nodes
        if not sizes or x_shape[3] > self.num_features:
            raise ValueError(
                f"`x` must have axes (batch, {count} steps, {self.num_nodes} nodes, at most "
                f"{self.num_features} features). Received: x.shape={tuple(x_shape)}"
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_nodes": self.num_nodes,
            "num_features": self.num_features,
            "steps_per_day": self.steps_per_day,
            "targets": self.targets,
        }
