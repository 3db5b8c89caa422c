"""Measures the intervals of forecasters on test parts, beside those of two baselines.

    KERAS_BACKEND=torch python benchmarks/intervals.py --data FOLDER

The interval is that between the quantiles 0.05 and 0.95, of the level 90 %. Its two variants are
fixed shifts from the validation part, and shifts that follow the readings; the forecaster chooses
by its validation part ("chosen"). The baselines are the quantiles of the training readings of each
sensor at each time of the week, and the ridge regression with quantiles of its validation errors.
"Sensors" is the share of sensors whose coverage is within the larger of 5 points and two standard
errors of a block bootstrap; "steps" the same of the steps ahead. Each run is stored.
"""

import dataclasses
import pathlib
import time

import command
import numpy as np
import pandas as pd
import records
from forecasting_data import DATASETS

LEVELS = (0.05, 0.5, 0.95)
SIZES = {  # steps of the validation and of the test part, as in the protocol of each series
    "los_loop": (182, 404),
    "metr_la": (3448, 6873),
    "pems_d12_orange": (0.2, 0.2),
    "pems08_tail": (558, 3590),
}
OPTIONS = {
    "data": {**command.DATA, "type": pathlib.Path},
    "names": command.several(SIZES),
    "seeds": [0, 1, 2],
    "epochs": (30, "largest number of epochs"),
    "stored": (False, "table of the runs that are stored, without further ones"),
}
DRAWS, BLOCK = 200, 288  # of the bootstrap; a block is a day


def scores(truth, quantiles):
    """Coverage, width and interval score, and the shares of sensors and steps that are close."""
    from stgkeras.metrics import quantile_scores

    found = quantile_scores(truth, quantiles, LEVELS)
    inside = (truth >= quantiles[..., 0]) & (truth <= quantiles[..., -1])
    inside = np.where(np.isnan(truth), np.nan, inside)[..., 0]  # (W, H, N)
    close = {
        name: float(np.mean(is_close(np.moveaxis(inside, axis, -1))))
        for name, axis in (("sensors", 2), ("steps", 1))
    }
    names = ("coverage 90 %", "width 90 %", "interval score 90 %", "CRPS")
    return {**{name: found[name] for name in names}, **close}


def is_close(inside):
    """Whether the coverage (W, …, K) of each of K parts is near 0.9, see the module."""
    rng = np.random.default_rng(0)
    with np.errstate(invalid="ignore"):
        present = ~np.isnan(inside)
    inside = np.where(present, inside, 0).sum(axis=1)  # (W, K)
    present = present.sum(axis=1)
    blocks = max(1, len(inside) // BLOCK)
    places = np.linspace(0, len(inside), blocks + 1).astype(int)[:-1]
    sums = np.add.reduceat(inside, places), np.add.reduceat(present, places)
    drawn = rng.integers(0, blocks, (DRAWS, blocks))
    means = sums[0][drawn].sum(axis=1) / np.maximum(sums[1][drawn].sum(axis=1), 1)
    room = np.maximum(0.05, 2 * means.std(axis=0)) if blocks > 2 else 0.05
    coverage = inside.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return np.abs(coverage - 0.9) <= room


def of_the_week(values, calendar, ahead, day):
    """Quantiles of training readings of each sensor at each time of the week, ± 2 steps."""
    slot = np.rint((calendar[:, 1] + calendar[:, 0]) * day).astype(int) % (7 * day)
    found = np.full((7 * day, values.shape[1], len(LEVELS)), np.nan)
    known = slot[: len(values)]
    for place in np.unique(known):
        near = (known - place + 2) % (7 * day) <= 4
        found[place] = np.nanquantile(values[near], LEVELS, axis=0).T
    kinds = np.arange(7 * day) // day >= 5  # a weekend, for times of the week without a reading
    for place in np.flatnonzero(np.isnan(found).all(axis=(1, 2))):
        same = (kinds == kinds[place]) & (np.arange(7 * day) % day == place % day)
        found[place] = np.nanmean(found[same], axis=0)
    return found[slot[ahead]][:, :, :, None]  # (W, H, N, 1, Q)


def run(task, name, seed, epochs):
    """Trains a forecaster with and without quantiles, and returns their scores."""
    import stgkeras
    from stgkeras.forecasting import intervals

    val, test = SIZES[name]
    series, found = task.series, {}
    options = {"targets": series.features[0]}
    fit = {"epochs": epochs, "seed": seed, "val": val, "test": test, "verbose": 0}
    plain = stgkeras.Forecaster("GraphSTID", **options)
    start = time.process_time()
    epochs_plain = len(plain.fit(series, **fit).epoch)
    seconds = (time.process_time() - start) / epochs_plain
    found["point MAE"] = float(plain.evaluate().loc["forecaster", "MAE mean"])
    forecaster = stgkeras.Forecaster("GraphSTID", quantiles=LEVELS, **options)
    start = time.process_time()
    history = forecaster.fit(series, **fit)
    found["time"] = (time.process_time() - start) / len(history.epoch) / seconds
    fitted = forecaster._ready()
    series, split = forecaster._data
    points, own = fitted.uncalibrated(series, split.test)
    length, horizon = fitted.form.input_length, fitted.form.horizon
    ahead = split.test[:, None] + length + np.arange(horizon)
    target = list(fitted.form.targets)
    truth = series.values[..., target][ahead]
    found["median MAE"] = float(np.nanmean(np.abs(truth - points["forecaster"])))
    made, rates = fitted.intervals, {}
    rates["model"] = own
    for label, rate in (("fixed", 0.0), ("following", made.rate or intervals.RATES[2])):
        one = dataclasses.replace(made, rate=rate)
        rates[label] = one.applied(own, one.followed(truth, own, split.test))
    rates["chosen"] = rates["following" if made.rate else "fixed"]
    found["rate"] = made.rate
    known = split.train[-1] + length + horizon
    training = series.values[:known][..., target[0]]
    rates["time of the week"] = of_the_week(
        training, series.calendar, ahead, fitted.form.steps_per_day
    )
    ahead_val = split.val[:, None] + length + np.arange(horizon)
    before = fitted.uncalibrated(series, split.val)[0]["ridge"]
    flat = [np.repeat(one[..., None], 3, axis=-1) for one in (before, points["ridge"])]
    shifts = intervals.conformal_shifts(series.values[..., target][ahead_val], flat[0], LEVELS)
    rates["ridge"] = flat[1] + shifts
    return {**found, **{label: scores(truth, one) for label, one in rates.items()}}


def main(args):
    import keras  # noqa: F401 - the result tells its version and backend

    found = {}
    for name in args.names:
        task = DATASETS[name](args.data / name)
        for seed in args.seeds:
            path = records.run_folder("intervals", name, "GraphSTID", seed) / "run.json"
            if args.stored and not path.exists():
                continue
            if not path.exists():
                records.write(path, run(task, name, seed, args.epochs))
            found.setdefault(name, []).append(records.read(path))
            print(name, seed, found[name][-1], flush=True)
    return {"runs": found}


def table(result):
    """Returns the mean scores over the seeds."""
    rows = {}
    for name, runs in result["runs"].items():
        labels = [label for label, one in runs[0].items() if isinstance(one, dict)]
        best = min(
            np.mean([run[label]["interval score 90 %"] for run in runs])
            for label in ("time of the week", "ridge")
        )
        for label in labels:
            mean = pd.DataFrame([run[label] for run in runs]).mean()
            row = {key: round(value, 3) for key, value in mean.items()}
            row["score / best baseline"] = round(mean["interval score 90 %"] / best, 3)
            rows[f"{name}, {label}"] = row
    return records.markdown_frame(pd.DataFrame(rows).T, "interval of the level 90 %")


if __name__ == "__main__":
    command.run(__name__)
