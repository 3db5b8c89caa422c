"""The newest readings, observed one step after the other: a ring buffer of fixed size."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from stgkeras.datasets.series.clocks import from_wall_clock, wall_clock, with_offset, zone_of
from stgkeras.datasets.series.sensor_names import shown
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import check_names

DAY = 24 * 60  # minutes
LARGEST = np.finfo(np.float32).max
NEVER = np.iinfo(np.int64).min


class Observed:
    """Ring buffer of the newest steps of the sensors of a forecaster.

    Several threads can use it at once.

    Args:
        form: `Form` of the data.
        steps: int. Number of steps that it holds.
    """

    def __init__(self, form: Form, steps: int) -> None:
        self.form, self.steps = form, steps
        self._lock = threading.Lock()
        self._values = np.full((steps, len(form.names), len(form.features)), np.nan, np.float32)
        self._step = round(form.interval * 60e6) if form.dated else 1  # microseconds
        # Days have 23 or 25 hours when the clocks change, so they are counted on the local clock.
        self._local = form.interval % DAY == 0 and form.timezone is not None
        self._newest: int | None = None  # the newest step with a reading
        seen = [NEVER if text is None else self._stored(text) for text in form.last_seen]
        self._seen = np.array(seen, np.int64)
        self._phase = next((time for time in seen if time != NEVER), None)
        self._places = {name: n for n, name in enumerate(form.names)}

    def add(self, time: Any, values: Any) -> bool:
        """Adds the readings of a step, see `Forecaster.observe`.

        Returns:
            bool. False if the step is older than all steps of the buffer, and is left out.
        """
        return self.put(self.moment(time), self.readings(values))

    def put(self, moment: int, readings: np.ndarray) -> bool:
        """Adds readings (N, F) of a step, see `moment` and `readings`."""
        present = ~np.isnan(readings)
        with self._lock:
            steps = self.steps
            np.maximum(self._seen, moment, out=self._seen, where=self._complete(present))
            if not present.any():
                return True
            if self._newest is None:
                self._newest = moment
            ahead = (moment - self._newest) // self._step
            if ahead > 0:
                kept = max(steps - ahead, 0)
                self._values[:kept] = self._values[steps - kept :]
                self._values[kept:] = np.nan
                self._newest, ahead = moment, 0
            if ahead <= -steps:
                return False
            row = self._values[steps - 1 + ahead]
            row[present] = readings[present]
            return True

    def fill(self, series: Series) -> None:
        """Adds the last steps of a series in the order of the form."""
        rows = range(max(0, len(series.values) - len(self._values)), len(series.values))
        for row in rows:
            stamp = row if series.timestamps is None else series.timestamps[row]
            self.put(self._stored(str(stamp)), series.values[row])

    def series(self) -> tuple[Series, Form]:
        """Returns the steps of the buffer, and the form with the last reading of each sensor.

        Raises:
            ValueError: if nothing was observed.
        """
        form = self.form
        with self._lock:
            if self._newest is None:
                raise ValueError(
                    "There must be a reading to forecast from. Received: no reading of any sensor. "
                    "Observe one first."
                )
            values, newest, seen = self._values.copy(), self._newest, self._seen.tolist()
        stamps = None
        if form.dated:
            stamps = self._stamps(newest + self._step * np.arange(1 - len(values), 1))
        if not self._complete(~np.isnan(values)).any(axis=0).all():  # flags name their last times
            last = tuple(None if t == NEVER else self._text(t) for t in seen)
            form = replace(form, last_seen=last)
        series = Series(
            values,
            None,
            form.names,
            form.features,
            form.interval,
            stamps,
            form.units,
            timezone=form.timezone,
            holidays=form.holidays,
        )
        return series, form

    def moment(self, time: Any) -> int:
        """Returns a time as an int: UTC microseconds, or the number of the step without a clock.

        Times of whole days are those of the local clock; without a time zone, all times are.

        Raises:
            TypeError, ValueError: if `time` is no time, or not one of the steps of the forecaster.
        """
        if not self.form.dated:
            if isinstance(time, bool) or not isinstance(time, (int, np.integer)):
                raise TypeError(
                    "`time` must be the number of the step, because the forecaster was trained "
                    f"without timestamps. Received: time={time!r}. Pass an int."
                )
            if abs(int(time)) >= 2**62:
                raise ValueError(
                    "`time` must be the number of the step, between -2**62 and 2**62. Received: "
                    f"time={time}. Count the steps on from those of the training."
                )
            return int(time)
        moment = self._utc(time)
        return self.checked(self._wall(moment) if self._local else moment)

    def checked(self, moment: int) -> int:
        """Returns a `moment`, or raises ValueError if it is not one of the steps."""
        with self._lock:
            if self._phase is None:
                self._phase = moment
            off = (moment - self._phase) % self._step
        if off:
            near = [self.text(moment - off), self.text(moment - off + self._step)]
            raise ValueError(
                f"`time` must be one of the steps of {self.form.interval:g} minutes of the "
                f"forecaster, such as {near[0]} and {near[1]}. Received: time={self.text(moment)}. "
                "Round the time to a step."
            )
        return moment

    def _utc(self, time):
        """Returns a time in microseconds of UTC; of the training's clock if that has no zone."""
        import pandas as pd

        zone, stamp = self.form.timezone, None
        kinds = (str, datetime.datetime, np.datetime64)  # a pandas Timestamp is a datetime
        try:
            if isinstance(time, kinds):
                # ISO 8601 only: pandas would take 03/04/2024 for a day in March.
                stamp = pd.Timestamp(
                    datetime.datetime.fromisoformat(time) if isinstance(time, str) else time
                )
        except ValueError:
            pass
        if stamp is None or pd.isna(stamp):
            raise ValueError(
                "`time` must be a time: text such as 2024-05-01T08:00+02:00, or a datetime. "
                f"Received: time={time!r}. Write it in this form."
            )
        if not 1700 <= stamp.year < 2200:  # Python has no local times at the ends of its calendar
            raise ValueError(
                f"`time` must be in the years 1700 to 2199. Received: time={str(time)!r}. "
                "Check the clock of the sender."
            )
        if stamp.tz is None and zone is not None:
            try:
                stamp = stamp.tz_localize(zone_of(zone))
            except ValueError as error:  # skipped, or twice
                raise ValueError(
                    f"`time` must have its UTC offset when the clocks of {zone} change. Received: "
                    f"time={str(time)!r}, a local time that they skip or have twice. Add the "
                    "offset, such as +02:00."
                ) from error
        elif stamp.tz is not None and zone is None:
            raise ValueError(
                "`time` must have no time zone or UTC offset, as in training. Received: time="
                f"{str(time)!r}. Pass the local time of the training readings."
            )
        if stamp.tz is not None:
            stamp = stamp.tz_convert("UTC").tz_localize(None)
        return int(stamp.as_unit("us").asm8.astype(np.int64))

    def readings(self, values: Any) -> np.ndarray:
        """Returns readings (N, F) float32 in the order of the form; NaN if missing.

        Raises:
            TypeError, ValueError: if `values` has an unknown sensor, another shape, or no numbers.
        """
        form = self.form
        shape = (len(form.names), len(form.features))
        if hasattr(values, "to_dict") and getattr(values, "ndim", 0) == 1:  # a pandas Series
            values = values.to_dict()
        if not isinstance(values, Mapping):
            table = _numbers(values)
            if table.shape not in (shape, shape[: 2 - (shape[1] == 1)]):
                raise ValueError(
                    f"`values` must have a number for each of {shape[0]} sensors and {shape[1]} "
                    f"features, shape {shape}. Received: shape {table.shape}. Pass them in the "
                    "order of `forecaster.form.names`, or a dict with names."
                )
            table = table.reshape(shape)
        else:
            check_names(form, [*map(str, values)], "values")
            table = np.full(shape, np.nan)
            for name, value in values.items():
                found = _numbers(value)
                if found.size != shape[1] or found.ndim > 1:
                    raise ValueError(
                        f"`values` must have a number for each of {shown(form.features)}. "
                        f"Received: {value!r} for {shown([name])}. Pass as many numbers."
                    )
                table[self._places[str(name)]] = found
        for f, mark in enumerate(form.null_value):
            if mark is not None:
                table[table[:, f] == mark, f] = np.nan
        wrong = np.abs(table) > LARGEST
        if wrong.any():
            raise ValueError(
                f"`values` must be finite numbers, or NaN for missing ones. Received: "
                f"{table[wrong][0]} for {shown([form.names[np.argwhere(wrong)[0, 0]]])}. Pass NaN."
            )
        return table.astype(np.float32)

    def text(self, moment: int) -> str:
        """Returns a `moment` as local time with its UTC offset, or as the number of the step."""
        if not self.form.dated:
            return str(moment)
        return with_offset(self._stamps(moment).astype("datetime64[s]"), self.form.timezone)[0]

    def seconds(self, moment: int) -> float:
        """Returns a `moment` as Unix time; without a time zone, as if its clock were UTC."""
        return float(self._stamps(moment).astype(np.int64)[0] / 1e6)

    @property
    def phase(self) -> int:
        """The `moment` of one of the steps."""
        with self._lock:
            return self._phase or 0

    def last_seen(self) -> list[int | None]:
        """Returns the `moment` of the last reading of each sensor, or None."""
        with self._lock:
            return [None if time == NEVER else time for time in self._seen.tolist()]

    def _complete(self, present):
        """Whether each sensor has a reading of all its targets, (N,)."""
        return self.form.targets_of(present).all(axis=-1)

    def _stored(self, text):
        """Returns the moment of a text of `Form.last_seen`."""
        if not self.form.dated:
            return int(text)
        moment = int(np.datetime64(text, "us").astype(np.int64))
        return self._wall(moment) if self._local else moment

    def _text(self, moment):
        """Returns the text of `Form.last_seen` of a moment."""
        return str(self._stamps(moment)[0]) if self.form.dated else str(moment)

    def _stamps(self, moments):
        """Returns moments as datetime64, in UTC if there is a time zone."""
        times = np.atleast_1d(moments).view("datetime64[us]")
        return from_wall_clock(times, self.form.timezone) if self._local else times

    def _wall(self, moment):
        time = np.array([moment]).view("datetime64[us]")
        return int(wall_clock(time, self.form.timezone).view(np.int64)[0])


def _numbers(values):
    """Returns values as float64, with NaN for None. Raises an error for other things."""
    if values is None:
        return np.full((), np.nan)
    try:
        found = np.asarray(values)
        if found.dtype == object:
            each = [np.nan if one is None else one for one in found.ravel()]
            found = np.array(each).reshape(found.shape)
    except (TypeError, ValueError):  # lists of different lengths
        found = np.array("")
    if found.dtype.kind not in "iuf":
        raise TypeError(
            "`values` must be numbers, or NaN for missing ones. Received: "
            f"{repr(values)[:100]}. Pass numbers."
        )
    return found.astype(np.float64)
