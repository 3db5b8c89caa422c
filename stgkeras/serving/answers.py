"""The answers of a service: forecasts, sensors and counts as JSON, csv and text."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stgkeras.arguments import quantile_name
from stgkeras.forecasting.observed import Observed
from stgkeras.forecasting.result import Forecast

DIGITS = 7  # of the largest number of a target, as many as float32 has


class Answer:
    """A forecast, and its JSON.

    Args:
        version: int. Which readings the forecast has read.
        observed: `Observed`.
        forecast: `Forecast`, or None.
        error: str. Why there is no forecast, or "".
    """

    def __init__(
        self, version: int, observed: Observed, forecast: Forecast | None, error: str
    ) -> None:
        self.version, self.forecast, self.error = version, forecast, error
        self.json = b""
        if forecast is None:
            return
        form = observed.form
        dated = form.dated
        self._head = {
            "times" if dated else "steps": [
                time.isoformat() if dated else int(time) for time in forecast.times
            ],
            "interval_minutes": form.interval,
            "timezone": form.timezone,
            "units": dict(zip(forecast.targets, forecast.units, strict=True)),
            "levels": list(forecast.levels),
        }
        self._sensors = _sensors(forecast)
        self.json = self.part(None)

    def part(self, names: Sequence[str] | None) -> bytes:
        """Returns the JSON of some sensors, or of all.

        Raises:
            KeyError: if a sensor is unknown.
        """
        found = self._sensors
        chosen = list(found.values()) if names is None else [found[name] for name in names]
        return to_json({**self._head, "sensors": chosen})

    def csv(self, names: Sequence[str] | None) -> str:
        """Returns the rows of `Forecast.to_csv` of some sensors, or of all."""
        forecast, text = self.forecast, io.StringIO()
        file: Any = text
        if forecast is None:
            raise ValueError(self.error)
        if names is not None:
            forecast = _selected(forecast, names)
        forecast.to_csv(file)
        return text.getvalue()


def to_json(value: Any) -> bytes:
    """Returns JSON, in a third of the time of Python's `json`. NaN must be None."""
    import pydantic_core

    return pydantic_core.to_json(value)


def plain(values: np.ndarray) -> Any:
    """Returns lists of an array, with short numbers, and None for NaN."""
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    largest = np.abs(values, where=finite, out=np.zeros_like(values)).max(initial=0)
    decimals = DIGITS - (math.floor(math.log10(largest)) + 1 if largest > 0 else 0)
    rounded = np.round(values, decimals)
    if finite.all():
        return rounded.tolist()
    found = rounded.astype(object)
    found[~finite] = None
    return found.tolist()


def _sensors(forecast):
    """Returns a dict for each sensor: its name, flags, values and quantiles, step by step."""
    flags = forecast.flags.T.tolist()
    values = [plain(forecast.values[..., c].T) for c in range(len(forecast.targets))]
    quantiles = {}
    if forecast.quantiles is not None:
        for c, target in enumerate(forecast.targets):
            parts = enumerate(map(quantile_name, forecast.levels))
            quantiles[target] = {key: plain(forecast.quantiles[..., c, q].T) for q, key in parts}
    found = {}
    for n, name in enumerate(forecast.names):
        found[name] = {
            "sensor": name,
            "values": {target: values[c][n] for c, target in enumerate(forecast.targets)},
            "flags": flags[n],
        }
        if quantiles:
            found[name]["quantiles"] = {
                target: {key: rows[n] for key, rows in part.items()}
                for target, part in quantiles.items()
            }
    return found


def _selected(forecast, names):
    """Returns the forecast of some sensors."""
    places = [forecast.names.index(name) for name in names]
    quantiles = None if forecast.quantiles is None else forecast.quantiles[:, places]
    return replace(
        forecast,
        names=tuple(names),
        values=forecast.values[:, places],
        flags=forecast.flags[:, places],
        quantiles=quantiles,
    )
