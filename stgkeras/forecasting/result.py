"""Forecasts with their times, sensors and flags."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stgkeras.arguments import quantile_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast of the steps after the newest readings.

    Args:
        times: (H,) pandas DatetimeIndex of the forecast steps, with the time zone of the series
            if it has one. Without timestamps, the numbers of the steps ahead, 1 to H.
        names: tuple of N str. Names of the sensors.
        targets: tuple of C str. Names of the forecast features.
        units: tuple of C str.
        values: (H, N, C) float32, in `units`.
        flags: (H, N) str. "" if the sensor has enough readings. Otherwise, the reason why the value
            is uncertain. With several targets, the one with the fewest readings counts.

            - "3 of 12 readings" (at most half of the window), "no reading since …", "never a
              reading" or "no reading in training": the value is computed from the usual day and
              from other sensors.
            - "reading below 0": the window has a negative reading, but the training part had none.
              Perhaps the number marks a missing reading. Do not trust the forecast.
            - "no such day in training": the step is on a weekend or holiday (or on a working day),
              and the training part has no such day. The value does not use the usual day.
        quantiles: (H, N, C, Q) calibrated quantiles in `units`, or None.
        levels: tuple of the Q levels of the quantiles.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from stgkeras.forecasting import Forecast
        >>> times = pd.DatetimeIndex(["2024-05-01 08:00", "2024-05-01 08:05"])
        >>> forecast = Forecast(times, ("A",), ("speed",), ("km/h",), np.ones((2, 1, 1)),
        ...                     np.array([[""], [""]]))
        >>> print(forecast.to_frame().to_csv(index=False))
        time,sensor,speed,flag
        2024-05-01 08:00:00,A,1.0,
        2024-05-01 08:05:00,A,1.0,
        <BLANKLINE>
    """

    times: pd.Index
    names: tuple[str, ...]
    targets: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray
    flags: np.ndarray
    quantiles: np.ndarray | None = None
    levels: tuple[float, ...] = ()

    def __repr__(self) -> str:
        pairs = zip(self.targets, self.units, strict=True)
        units = [f"{name} ({unit})" if unit else name for name, unit in pairs]
        levels = f", quantiles {', '.join(f'{level:g}' for level in self.levels)}"
        return (
            f"<Forecast of {', '.join(units)} for {len(self.names)} sensors at {len(self.times)} "
            f"steps, {self.times[0]} to {self.times[-1]}{levels if self.levels else ''}; see "
            "to_frame()>"
        )

    def to_frame(self) -> pd.DataFrame:
        """Returns a frame with a row for each time and sensor.

        The columns are `time` (or `step`), `sensor`, one for each target, such as "speed", one for
        each of its quantiles, such as "speed_q05", and `flag`.
        """
        import pandas as pd

        count = len(self.names)
        dated = isinstance(self.times, pd.DatetimeIndex)
        columns = {
            "time" if dated else "step": self.times.repeat(count),
            "sensor": np.tile(np.array(self.names, object), len(self.times)),
        }
        for c, target in enumerate(self.targets):
            columns[target] = self.values[..., c].ravel()
            if self.quantiles is not None:
                for q, level in enumerate(self.levels):
                    name = f"{target}_{quantile_name(level)}"
                    columns[name] = self.quantiles[..., c, q].ravel()
        return pd.DataFrame({**columns, "flag": self.flags.astype(object).ravel()})

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes the rows of `to_frame` to a csv file.

        Args:
            path: path of the file, which is replaced if it exists. Times have their UTC offset.
        """
        frame = self.to_frame()
        if "time" in frame:
            frame["time"] = [time.isoformat(sep=" ") for time in frame["time"]]
        frame.to_csv(path, index=False)
