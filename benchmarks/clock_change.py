"""Measures baselines after a clock change, with the calendar in local time and in UTC.

    python benchmarks/clock_change.py

Synthetic flow of five sensors in Los Angeles follows the local clock: two peaks on working days,
one at weekends, and noise that lasts over an hour. The four weeks before the change are the
training part; the two weeks from its day on are the test part.
"""

import command
import numpy as np
import pandas as pd
import records

from stgkeras import datasets

ZONE, DAY, SENSORS = "America/Los_Angeles", 288, 5
REACH = {"input_length": 12, "horizon": 12}
CHANGES = {"spring": "2024-03-10", "autumn": "2024-11-03"}
OPTIONS = {"seeds": ([0, 1, 2], "seeds of the noise")}


def flow(times, seed):
    """Returns vehicles in five minutes (T, N) at local times (T,)."""
    hours = (times.hour + times.minute / 60).to_numpy()
    peaks = {at: np.exp(-(((hours - at) / width) ** 2)) for at, width in ((8, 1.2), (17.3, 1.6))}
    weekend = 50 + 120 * np.exp(-(((hours - 14) / 4) ** 2))
    level = np.where(times.day_of_week < 5, 60 + 300 * peaks[8] + 260 * peaks[17.3], weekend)
    noise = 4 * np.random.default_rng(seed).normal(size=(len(times), SENSORS))
    for step in range(1, len(times)):
        noise[step] += 0.95 * noise[step - 1]
    return np.maximum(level[:, None] * np.linspace(0.7, 1.3, SENSORS) + noise, 0)


def errors(change, seed):
    """Returns mean absolute errors by baseline and calendar, and the mean flow."""
    day = pd.Timestamp(CHANGES[change], tz=ZONE)
    first, end = day - pd.DateOffset(weeks=4), day + pd.DateOffset(weeks=2)
    times = pd.date_range(first, end, freq="5min", inclusive="left")
    series = datasets.from_arrays(flow(times, seed), times)
    known, span = int(times.searchsorted(day)), sum(REACH.values())
    train, starts = np.arange(known - span + 1), np.arange(known, len(times) - span + 1)
    truth = series.values[starts[:, None] + REACH["input_length"] + np.arange(REACH["horizon"])]
    found = {"mean flow": float(truth.mean())}
    utc = datasets.calendar(series.timestamps)
    for name, calendar in (("local time", series.calendar), ("UTC", utc)):
        given = {"starts": starts, "calendar": calendar, "steps_per_day": DAY, **REACH}
        forecasts = {
            "same time last week": datasets.same_time(series.values, lag=7 * DAY, **given),
            "historical mean": datasets.historical_mean(series.values, num_train=known, **given),
            "ridge on the residual": datasets.residual_ridge(series.values, train=train, **given),
        }
        for row, forecast in forecasts.items():
            found[f"{row}, {name}"] = float(np.abs(forecast - truth).mean())
    return found


def main(args):
    return {"mae": {name: {s: errors(name, s) for s in args.seeds} for name in CHANGES}}


def table(result):
    """Returns the means over the seeds as a table in Markdown."""
    means = {change: pd.DataFrame(seeds).mean(axis=1) for change, seeds in result["mae"].items()}
    return records.markdown_frame(pd.DataFrame(means).round(2), "vehicles")


if __name__ == "__main__":
    command.run(__name__)
