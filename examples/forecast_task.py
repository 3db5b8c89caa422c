"""A series to forecast, as windows for a model: what train_astgcn.py, train_stgcn.py and
forecast_your_csv.py share."""

import functools
from dataclasses import dataclass

import numpy as np

from stgkeras import datasets, graphs, models

# Each is called with the number of nodes, and by name graph, input_length, horizon, num_features,
# num_outputs and either season or normalize.
MODELS = {
    "STGCN": functools.partial(models.STGCN, dropout=0.0),
    "ASTGCN": models.ASTGCN,
    "GraphSTID": models.GraphSTID,
}


@dataclass
class Task:
    """Forecasts the next `horizon` steps of a series from the last `input_length`.

    Args:
        series: `datasets.Series` with an interval and a graph.
        split: `datasets.Split` of its windows.
        reach: dict of input_length and horizon.
        num_outputs: int. Features to forecast, the first ones.
        season: bool. Whether models forecast what the season leaves; needs a calendar.
        components: None, or dict of what windows read besides the last steps, see `Windows`.

    Attributes:
        day: int, steps of a day.
        calendar: (T, 2); None without timestamps, or if a day is no whole number of steps.
        known: int, leading steps that may be fitted on.
        targets: (T, N, num_outputs).
        ahead: (W, horizon) steps to predict in the W test windows.
    """

    series: datasets.Series
    split: datasets.Split
    reach: dict
    num_outputs: int = 1
    season: bool = False
    components: dict | None = None

    def __post_init__(self):
        times, minutes = self.series.timestamps, self.series.interval
        self.day = round(24 * 60 / minutes)
        has_calendar = times is not None and self.day * minutes == 24 * 60
        self.calendar = datasets.calendar(times) if has_calendar else None
        self.known = datasets.training_steps(self.split, **self.reach)
        self.targets = self.series.values[..., : self.num_outputs]
        first = self.split.test[:, None] + self.reach["input_length"]
        self.ahead = first + np.arange(self.reach["horizon"])

    def batches(self, starts, **kwargs):
        """The windows that start there, with NaN where readings are missing."""
        arrays, options = [self.series.values, self.targets], self.reach | kwargs
        if self.season:
            arrays.append(self.calendar)
        if self.components:  # of the days and weeks before the series there are no readings
            week = 7 * self.day
            arrays = [
                np.concatenate([np.full_like(a[:1], np.nan).repeat(week, 0), a]) for a in arrays
            ]
            starts = starts + week
            options |= {"input_length": self.components, "steps_per_day": self.day}
        values, targets, *calendar = arrays
        calendar = calendar[0] if calendar else None
        return datasets.Windows(values, targets, starts, calendar=calendar, missing=True, **options)

    def windows(self, batch_size, seed):
        """Windows to train, in an order by seed and epoch, to validate and to test."""
        options = {"batch_size": batch_size, "seed": seed}
        train = self.batches(self.split.train, shuffle=True, **options)
        return [train, *(self.batches(part, **options) for part in self.split[1:])]

    def model(self, name):
        """One of `MODELS`, with its scaler fitted to the training steps."""
        values, adjacency = self.series.values, self.series.adjacency
        _, nodes, features = values.shape
        model = MODELS[name](
            nodes,
            graph=graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T)),
            **self.reach,
            num_features=features,
            num_outputs=self.num_outputs,
            **({"season": self.day} if self.season else {"normalize": True}),
        )
        calendar = [self.calendar[: self.known]] if self.season else []
        model.adapt(values[: self.known], *calendar)
        return model
