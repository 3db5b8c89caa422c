"""Measures the intervals of forecasters on test parts, beside those of two baselines.

    KERAS_BACKEND=jax python benchmarks/intervals.py --data FOLDER

The interval is that between the quantiles 0.05 and 0.95, of the level 90 %. Its two variants are
fixed shifts from the validation part, and shifts that follow the readings; the forecaster chooses
by its validation part ("chosen"). The baselines are the quantiles of the training readings of each
sensor at each time of the week, and the ridge regression with the fixed shifts of its validation
part.
"Sensors" is the share of sensors whose coverage is within the larger of 5 points and two standard
errors of a block bootstrap; "steps" the same of the steps ahead. A block is a day, or an eighth of
a test part of less than eight days. "Sensors, 5 points" is without standard errors. A second table
shows the coverage of the chosen interval by hour of the day and by sensor. Each training is stored
with its quantiles, so that other calibrations are scored without training.
"""

import dataclasses
import os
import pathlib

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
DRAWS, DAY, BLOCKS = 200, 288, 8  # of the bootstrap: draws, longest block, fewest blocks


def scores(truth, quantiles):
    """Coverage, width and interval score, and the shares of sensors and steps that are close."""
    from stgkeras.metrics import quantile_scores

    found = quantile_scores(truth, quantiles, LEVELS)
    inside = covered(truth, quantiles)
    names = ("coverage 90 %", "width 90 %", "interval score 90 %", "CRPS")
    sensors, steps = (of_parts(np.moveaxis(inside, axis, -1)) for axis in (2, 1))
    off = np.abs(sensors[0] - 0.9)
    return {
        **{name: found[name] for name in names},
        "sensors": float(np.mean(off <= sensors[1])),
        "sensors, 5 points": float(np.mean(off <= 0.05)),
        "steps": float(np.mean(np.abs(steps[0] - 0.9) <= steps[1])),
    }


def covered(truth, quantiles):
    """Returns whether readings (W, H, N) are inside: 1, 0 or NaN."""
    inside = (truth >= quantiles[..., 0]) & (truth <= quantiles[..., -1])
    return np.where(np.isnan(truth), np.nan, inside)[..., 0]


def of_parts(inside):
    """Coverage (K,) of each of the K parts of (W, …, K), and the distance from 0.9 that is close.

    Blocks of windows are drawn with replacement. Parts without a reading are left out.
    """
    rng = np.random.default_rng(0)
    present = ~np.isnan(inside)
    inside = np.where(present, inside, 0).sum(axis=1)  # (W, K)
    present = present.sum(axis=1)
    known = present.sum(axis=0) > 0
    inside, present = inside[:, known], present[:, known]
    blocks = max(BLOCKS, len(inside) // DAY)
    places = np.linspace(0, len(inside), blocks + 1).astype(int)[:-1]
    sums = np.add.reduceat(inside, places), np.add.reduceat(present, places)
    drawn = rng.integers(0, blocks, (DRAWS, blocks))
    means = sums[0][drawn].sum(axis=1) / np.maximum(sums[1][drawn].sum(axis=1), 1)
    room = np.maximum(0.05, 2 * means.std(axis=0))
    return inside.sum(axis=0) / present.sum(axis=0), room


def places(found, quantiles):
    """Coverage by hour of the day (None without a reading), and of each sensor, rising."""
    inside = covered(found["test_truth"], quantiles)
    hours = np.floor(found["test_hours"]).astype(int)
    with np.errstate(invalid="ignore"):
        by_hour = [float(np.nanmean(inside[hours == hour])) for hour in range(24)]
    return {"hours": by_hour, "by sensor": np.sort(of_parts(inside)[0]).tolist()}


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


def point(task, name, seed, epochs):
    """Trains a forecaster without quantiles, and returns its test error."""
    import stgkeras

    forecaster = stgkeras.Forecaster("GraphSTID", targets=task.series.features[0])
    forecaster.fit(task.series, **_fit(name, seed, epochs))
    return {"point MAE": float(forecaster.evaluate().loc["forecaster", "MAE mean"])}


def arrays(task, name, seed, epochs):
    """Trains a forecaster with quantiles, and returns truth and forecasts of both parts.

    The quantiles of the model are about the forecast that is given, and not calibrated.
    """
    import stgkeras
    from stgkeras.forecasting import training

    feature = task.series.features[0]
    forecaster = stgkeras.Forecaster("GraphSTID", quantiles=LEVELS, targets=feature)
    forecaster.fit(task.series, **_fit(name, seed, epochs))
    fitted = forecaster._ready()
    series, split = forecaster._data
    length, horizon, found = fitted.form.input_length, fitted.form.horizon, {}
    for part in ("val", "test"):
        starts = getattr(split, part)
        points, own = fitted.uncalibrated(series, starts)
        found |= {
            f"{part}_starts": starts,
            f"{part}_truth": training.past_and_truth(fitted.form, series, starts)[1],
            f"{part}_own": own,
            f"{part}_ridge": points["ridge"],
        }
    ahead = split.test[:, None] + length + np.arange(horizon)
    known = split.train[-1] + length + horizon
    readings = series.values[:known][..., fitted.form.targets[0]]
    found["test_week"] = of_the_week(readings, series.calendar, ahead, fitted.form.steps_per_day)
    found["test_hours"] = 24 * series.calendar[ahead][..., 0]
    is_real = {name: array.dtype.kind == "f" for name, array in found.items()}
    return {name: array.astype("f4") if is_real[name] else array for name, array in found.items()}


def _fit(name, seed, epochs):
    val, test = SIZES[name]
    return {"epochs": epochs, "seed": seed, "val": val, "test": test, "verbose": 0}


def stored(path, make, write):
    """Returns what `make` returns; writes it to a file, so that a complete run is not repeated."""
    if not path.exists():
        found = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"partial_{path.name}")
        write(partial, found)
        os.replace(partial, path)


def scored(found, made=None):
    """Returns the scores of the intervals of one run.

    Args:
        found: dict of `arrays`.
        made: `Intervals`. Default: those that the forecaster makes of the validation part.
    """
    from stgkeras.forecasting import fitting, intervals, training

    truth, own, starts = (found[f"test_{key}"] for key in ("truth", "own", "starts"))
    if made is None:
        kept = training.thinned(np.arange(len(found["val_starts"])), fitting.MOST_CALIBRATED)
        val = [found[f"val_{key}"][kept] for key in ("truth", "own", "starts")]
        made = intervals.Intervals.fit(val[0], val[1], LEVELS, val[2])
    middle = LEVELS.index(0.5)
    result = {"median MAE": float(np.nanmean(np.abs(truth - own[..., middle]))), "rate": made.rate}
    rates = {"model": own}
    for label, rate in (("fixed", 0.0), ("following", made.rate or intervals.USUAL)):
        one = dataclasses.replace(made, rate=rate)
        rates[label] = one.applied(own, one.followed(truth, own, starts))
    rates["chosen"] = rates["following" if made.rate else "fixed"]
    rates["time of the week"] = found["test_week"]
    flat = [np.repeat(found[f"{part}_ridge"][..., None], 3, axis=-1) for part in ("val", "test")]
    ridge = intervals.Intervals.fit(found["val_truth"], flat[0], LEVELS, found["val_starts"])
    rates["ridge"] = ridge.applied(flat[1])
    result["places"] = places(found, rates["chosen"])
    return {**result, **{label: scores(truth, one) for label, one in rates.items()}}


def main(args):
    import keras  # noqa: F401 - the result tells its version and backend

    found = {}
    for name in args.names:
        task = None
        for seed in args.seeds:
            folder = records.run_folder("intervals", name, "GraphSTID", seed)
            points, parts = folder / "point.json", folder / "arrays.npz"
            if args.stored and not (points.exists() and parts.exists()):
                continue
            task = task or (None if args.stored else DATASETS[name](args.data / name))
            given = (task, name, seed, args.epochs)
            stored(parts, lambda given=given: arrays(*given), lambda at, it: np.savez(at, **it))
            stored(points, lambda given=given: point(*given), records.write)
            with np.load(parts) as file:
                run = records.read(points) | scored(dict(file))
            found.setdefault(name, []).append(run)
            print(name, seed, run, flush=True)
    return {"runs": found}


def table(result):
    """Returns the mean scores over the seeds, and the coverage by hour and by sensor."""
    rows, where = {}, {}
    for name, runs in result["runs"].items():
        labels = [label for label in runs[0] if isinstance(runs[0][label], dict)]
        labels.remove("places")
        best = min(
            np.mean([run[label]["interval score 90 %"] for run in runs])
            for label in ("time of the week", "ridge")
        )
        for label in labels:
            mean = pd.DataFrame([run[label] for run in runs]).mean()
            row = {key: round(value, 3) for key, value in mean.items()}
            row["score / best baseline"] = round(mean["interval score 90 %"] / best, 3)
            rows[f"{name}, {label}"] = row
        hours, sensors = (
            np.mean([run["places"][key] for run in runs], axis=0) for key in ("hours", "by sensor")
        )
        maes = [np.mean([run[f"{key} MAE"] for run in runs]) for key in ("median", "point")]
        where[name] = {
            "seeds": len(runs),
            "rates": ", ".join(f"{run['rate']:g}" for run in runs),
            "median MAE / point MAE": f"{maes[0] / maes[1]:.3f}",
            "hours, lowest": f"{np.nanmin(hours):.3f} ({np.nanargmin(hours)} h)",
            "hours, highest": f"{np.nanmax(hours):.3f} ({np.nanargmax(hours)} h)",
            **{
                f"sensors, {label}": f"{np.quantile(sensors, share):.3f}"
                for label, share in (("lowest", 0), ("10 %", 0.1), ("90 %", 0.9), ("highest", 1))
            },
        }
    tables = {"interval of the level 90 %": rows, "chosen interval": where}
    frames = [records.markdown_frame(pd.DataFrame(rows).T, name) for name, rows in tables.items()]
    return "\n\n".join(frames)


if __name__ == "__main__":
    command.run(__name__)
