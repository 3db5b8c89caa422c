import keras
import numpy as np
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset
from stgkeras.seasons import pieces, seasonal_mean, slot, slots, ten_minutes


@keras.saving.register_keras_serializable("stgkeras")
class SeasonalScaler(StateLayer):
    """Takes the season off readings, and puts it back on predictions.

        y = (x - season[kind of day, time of day, node]) / std        inverse: x = y · std + season

    The season is the mean reading of a node at that time of working days, or of weekends, and up to
    ten minutes before and after: what one day did is not the season. It and the standard deviation
    of what is left, one a feature, are state that travels with the weights. Until `adapt` is called
    or weights are loaded, a call raises ValueError; where JAX traces it, the result is NaN.

    Args:
        num_nodes: int. Number of nodes N.
        num_features: int. Number of features F.
        steps_per_day: int. Steps of the series in a day, S.

    Call arguments:
        x: (batch, time, nodes, features) in original units, at most F features, the first ones. A
            missing reading, NaN, is taken to be at its season.
        calendar: (batch, horizon, 2), `datasets.calendar` of the steps to predict.
        steps: list of ints, the time of each step of `x`, counted from the calendar's first step.
        inverse: bool. Whether `x` is standardised and to be taken back.

    Returns:
        The shape of `x`.

    Raises:
        ValueError: if an argument is below 1, or the shapes do not fit each other; if the scaler
            was never adapted.

    Example:
        >>> import numpy as np, stgkeras
        >>> hours = np.datetime64("2024-01-01T00", "h") + np.arange(14 * 24)
        >>> calendar = stgkeras.datasets.calendar(hours)
        >>> values = 50 + 10 * np.sin(2 * np.pi * calendar[:, :1, None]) + np.ones((1, 3, 1))
        >>> scaler = stgkeras.layers.SeasonalScaler(3, 1, steps_per_day=24)
        >>> scaler.adapt(values, calendar)
        >>> y = scaler(values[None, :12], calendar[None, 12:18], steps=list(range(-12, 0)))
        >>> bool(abs(np.asarray(y)).max() < 1e-5)
        True
    """

    _what = "The season"
    _remedy = "call `model.adapt(…)` with the training steps and their calendar"

    def __init__(self, num_nodes, num_features, steps_per_day, **kwargs):
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_features = _checks.integer("num_features", num_features)
        self.steps_per_day = _checks.integer("steps_per_day", steps_per_day)
        shape = (2 * self.steps_per_day, self.num_nodes, self.num_features)
        self.season = self.add_weight(shape, unset(), trainable=False, name="season")
        self.std = self.add_weight((self.num_features,), unset(), trainable=False, name="std")
        self.built = True

    def _first_variable(self):
        return self.std

    def adapt(self, values, calendar):
        """Takes the season from training values.

        Args:
            values: (T, nodes, features), NaN where missing. A memory map is read in pieces.
            calendar: (T, 2), `datasets.calendar` of the same steps.

        A time that no reading was taken at gets the mean of its node at that kind of day, else of
        the node, else of all.
        """
        values, calendar = np.asarray(values), np.asarray(calendar)
        if values.shape[1:] != (self.num_nodes, self.num_features) or values.ndim != 3:
            raise ValueError(
                f"`values` must have axes (time, {self.num_nodes} nodes, {self.num_features} "
                f"features). Received: values.shape={values.shape}"
            )
        if calendar.shape != (len(values), 2):
            raise ValueError(
                f"`calendar` must have shape ({len(values)}, 2), two numbers a step of `values`. "
                f"Received: calendar.shape={calendar.shape}"
            )
        parts = pieces(values)
        infinite = any(np.isinf(values[part]).any() for part in parts)
        count = sum((~np.isnan(values[part])).sum(axis=(0, 1)) for part in parts)
        if infinite or not np.all(count):
            raise ValueError(
                "`values` must be finite, or NaN for a missing reading, and each feature must have "
                f"readings. Received: infinite readings: {infinite}, readings of each feature: "
                f"{count.tolist()}"
            )
        season = seasonal_mean(
            values, calendar, self.steps_per_day, ten_minutes(self.steps_per_day)
        )
        rows = slots(calendar, self.steps_per_day)
        rests = (values[part] - season[rows[part]] for part in parts)
        std = np.sqrt(sum(np.nansum(np.square(rest), axis=(0, 1)) for rest in rests) / count)
        self.season.assign(season)
        self.std.assign(np.where(std > 0, std, 1.0))

    def call(self, x, calendar, steps, inverse=False):
        self._check(x.shape, calendar.shape, steps)
        first = ops.round(ops.sum(calendar[:, 0], axis=-1) * self.steps_per_day)
        steps = ops.convert_to_tensor(list(steps), dtype="int32")
        rows = slot(ops.cast(first, "int32")[:, None] + steps, self.steps_per_day)  # (B, T)
        features = x.shape[-1]
        season = ops.take(self.read(self.season), rows, axis=0)[..., :features]
        std = self.read(self.std)[:features]
        if inverse:
            return x * std + season
        return (ops.where(ops.isnan(x), season, x) - season) / std

    def compute_output_spec(self, x, calendar, steps, inverse=False):
        self._check(x.shape, calendar.shape, steps)
        return keras.KerasTensor(x.shape, self.compute_dtype)

    def _check(self, x_shape, calendar_shape, steps):
        _checks.signal(x_shape)
        sizes = x_shape[1] == len(steps) and x_shape[2] == self.num_nodes
        if not sizes or x_shape[3] > self.num_features:
            raise ValueError(
                f"`x` must have axes (batch, {len(steps)} steps, {self.num_nodes} nodes, at most "
                f"{self.num_features} features). Received: x.shape={tuple(x_shape)}"
            )
        if len(calendar_shape) != 3 or calendar_shape[-1] != 2:
            raise ValueError(
                "`calendar` must have axes (batch, horizon, 2). "
                f"Received: calendar.shape={tuple(calendar_shape)}"
            )

    def get_config(self):
        return {
            **super().get_config(),
            "num_nodes": self.num_nodes,
            "num_features": self.num_features,
            "steps_per_day": self.steps_per_day,
        }
