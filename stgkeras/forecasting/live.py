"""Forecasts of a forecaster: from newest readings, or from those that it has observed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from stgkeras.forecasting.observed import Observed
from stgkeras.forecasting.result import Forecast

if TYPE_CHECKING:
    from stgkeras.forecasting.forecaster import Forecaster

FIRST = threading.Lock()  # of the first readings: two threads would begin two ring buffers


def forecast(self: Forecaster, newest: Any = None, *, covariates: Any = None) -> Forecast:
    """Forecasts the steps after the newest readings.

    Args:
        newest: `Series`, pandas frame (times as index, a column for each sensor) or path of a
            csv file, with at least `form.input_length` steps; presets may need more, see
            `load`. Columns are matched by name. Missing rows and sensors are missing readings.
            Times without a zone are in `form.timezone`. Default: the readings of `observe`, or
            the series of `fit` if there are none.
        covariates: as in `fit`, if the forecaster was trained with them; those that are known
            ahead must reach to the last step to forecast.

    Returns:
        `Forecast`.

    Raises:
        ValueError: if a sensor, feature or covariate is unknown or missing, steps have another
            length, or there is no reading in the last `input_length` steps.
    """
    fitted = self._ready()
    if newest is None and self._observed is not None:
        return observed_forecast(fitted, self._observed, covariates)
    if newest is None and self._data is None:
        raise ValueError(
            "`newest` must be given after `load`, if `observe` was not called. Received: "
            "newest=None. Pass readings, or call `observe(time, values)` first."
        )
    return fitted.forecast(self._data[0] if newest is None else newest, covariates)


def observe(self: Forecaster, time: Any, values: Any) -> None:
    """Adds the readings of a step to those that `forecast()` reads.

    The forecaster holds the newest steps, as many as a forecast needs. After `fit`, these are the
    last steps of its series; after `load`, all readings are missing. Steps can be observed in any
    order and several times: a later reading of a sensor replaces an earlier one, and a missing
    reading replaces none. Steps that are never observed are missing readings. Steps older than
    those that are held are left out. Several threads can observe and forecast at once.

    Args:
        time: time of the step: datetime, pandas Timestamp, or text such as
            "2024-05-01T08:00+02:00". A time without a zone is in `form.timezone`. The number of
            the step, an int, if the forecaster was trained without timestamps.
        values: dict or pandas Series of the name of a sensor → reading, of some or all sensors; or
            array of the readings of all sensors, in the order of `form.names`. With F features, a
            reading is F numbers, in the order of `form.features`. Missing readings are NaN, None,
            or the number `form.null_value`.

    Raises:
        TypeError, ValueError: if `time` is no step of the forecaster, or a sensor is unknown.

    Example:
        >>> import numpy as np, pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=14 * 24, freq="h", tz="Europe/Vienna")
        >>> wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
        >>> speeds = pd.DataFrame({"A": wave, "B": wave + 5}, times)
        >>> series = stgkeras.datasets.from_pandas(speeds, [[0, 1], [1, 0]], units="km/h")
        >>> forecaster = stgkeras.Forecaster("GraphSTID", horizon=3, units=4, num_blocks=1)
        >>> history = forecaster.fit(series, epochs=1, verbose=0)
        >>> forecaster.observe("2024-05-15T00:00", {"A": 51.2, "B": 55.0})
        >>> str(forecaster.forecast().times[0])
        '2024-05-15 01:00:00+02:00'
    """
    fitted = self._ready()
    if self._observed is None:
        with FIRST:
            if self._observed is None:
                observed = Observed(fitted.form, fitted.earlier + fitted.form.input_length)
                if self._data is not None:
                    observed.fill(self._data[0])
                observed.add(time, values)  # an error leaves the forecaster as it was
                self._observed = observed
                return
    self._observed.add(time, values)


def observed_forecast(fitted: Any, observed: Observed, covariates: Any = None) -> Forecast:
    """Forecasts the steps after those of a ring buffer.

    Args:
        fitted: `Fitted` or `Preset`.
        observed: `Observed`.
        covariates: as in `forecast`.
    """
    series, form = observed.series()
    return fitted.forecast(series, covariates, form)
