"""A forecasting task: windows of a series, and a model for them."""

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stgkeras import datasets, graphs, models

# Each function takes the number of nodes, and the keyword arguments graph, input_length, horizon,
# num_features, num_outputs, and season or normalize.
MODELS = {
    "STGCN": functools.partial(models.STGCN, dropout=0.0),
    "ASTGCN": models.ASTGCN,
    "GraphSTID": models.GraphSTID,
}


@dataclass
class Task:
    """Task to forecast the next `horizon` steps of a series from the last `input_length` steps.

    Args:
        series: `datasets.Series` with an interval and a graph.
        split: `datasets.Split` of the windows.
        reach: dict of input_length and horizon.
        num_outputs: int. Number of features to forecast, from the first.
        season: bool. If True, models forecast the deviation from the seasonal mean. Needs a
            calendar.
        components: dict of input components, see `Windows`, or None to read the last steps only.
        past_calendar: bool. If True, models with a season read the local time of their input, which
            matters where the clocks change.

    Attributes:
        reads: dict of the arguments input_length and horizon of windows and models.
        day: int. Number of steps per day.
        calendar: (T, 2), or None without timestamps or if a day is not a whole number of steps.
        known: int. Number of steps at the start of the series that training may use.
        targets: (T, N, num_outputs).
        ahead: (W, horizon). Indices of the steps to predict in the W test windows.
    """

    series: datasets.Series
    split: datasets.Split
    reach: dict
    num_outputs: int = 1
    season: bool = False
    components: dict | None = None
    past_calendar: bool = False

    def __post_init__(self):
        times, minutes = self.series.timestamps, self.series.interval
        self.day = round(24 * 60 / minutes)
        is_whole = abs(self.day * minutes - 24 * 60) < 1e-6
        if self.components and not is_whole:
            raise ValueError(
                "`components` must be None if a day is no whole number of steps. Received: steps "
                f"of {minutes:g} minutes. Resample the series."
            )
        self.reads = self.reach | ({"input_length": self.components} if self.components else {})
        self.calendar = self.series.calendar if times is not None and is_whole else None
        self.known = datasets.training_steps(self.split, **self.reach)
        self.targets = self.series.values[..., : self.num_outputs]
        first = self.split.test[:, None] + self.reach["input_length"]
        self.ahead = first + np.arange(self.reach["horizon"])

    def local_times(self):
        """Returns the local times of the steps, as a pandas DatetimeIndex without time zone."""
        times = pd.DatetimeIndex(self.series.timestamps)
        if self.series.timezone is None:
            return times
        return times.tz_localize("UTC").tz_convert(self.series.timezone).tz_localize(None)

    def batches(self, starts, shift=None, **kwargs):
        """Returns the windows with these starts, with NaN for missing readings.

        `shift` is an array of `datasets.leave_one_day_out`, for training.
        """
        arrays = {"inputs": self.series.values, "targets": self.targets, "shift": shift}
        if self.season or self.components:  # components follow the local clock
            arrays["calendar" if self.season else "clock"] = self.calendar
        if self.season and self.past_calendar:
            arrays["past_calendar"] = self.calendar
        arrays = {name: array for name, array in arrays.items() if array is not None}
        options = self.reads | kwargs
        if self.components:  # add a week of missing readings before the series
            week = 7 * self.day
            arrays = {
                name: np.concatenate([np.full_like(array[:1], np.nan).repeat(week, 0), array])
                for name, array in arrays.items()
            }
            starts = starts + week
            options["steps_per_day"] = self.day
        return datasets.Windows(starts=starts, missing=True, **arrays, **options)

    def windows(self, batch_size, seed, shift=None):
        """Returns training, validation and test windows. The seed sets the training order."""
        options = {"batch_size": batch_size, "seed": seed}
        train = self.batches(self.split.train, shift, shuffle=True, **options)
        return [train, *(self.batches(part, **options) for part in self.split[1:])]

    def model(self, name, **options):
        """Returns one of `MODELS` with these options, and a scaler fitted to the training steps."""
        values, adjacency = self.series.values, self.series.adjacency
        _, nodes, features = values.shape
        model = MODELS[name](
            nodes,
            graph=graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T)),
            **self.reads,
            num_features=features,
            num_outputs=self.num_outputs,
            **({"season": self.day} if self.season else {"normalize": True}),
            past_calendar=self.season and self.past_calendar,
            **options,
        )
        calendar = [self.calendar[: self.known]] if self.season else []
        model.adapt(values[: self.known], *calendar)
        return model
