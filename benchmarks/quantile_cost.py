"""Measures what quantiles cost: CPU time of a forecaster with them, beside one without.

    python benchmarks/quantile_cost.py

Two forecasters with GraphSTID, one of them with the quantiles 0.05, 0.5 and 0.95, take turns in
one process with one thread. "Step" is a training step on one batch of 32 windows, "prediction" the
same batch without training. "Epoch" is `fit` for one epoch of 20 steps, 10 batches of validation
and early stopping. "Forecast" is `Forecaster.forecast` from the newest 12 steps, and "windows" are
the forecasts of 640 windows, with baselines, as in `evaluate`. Each figure is the median of the
ratios of the turns. "Calibration" happens once, after the last epoch: its CPU time for 2,000
validation windows, also in training steps.
"""

import itertools
from statistics import median
from time import process_time

import command
import records

LEVELS = (0.05, 0.5, 0.95)
SHAPES = {"METR-LA": 29, "PEMS08": 170}  # numbers of sensors
OPTIONS = {
    "backends": command.BACKENDS,
    "shapes": command.several(SHAPES),
    "turns": (20, "turns that count"),
    "runs": (2, "processes of each kind"),
}
FEW = {"epoch": 4, "windows": 5}  # one in so many turns, for slow calls
HEAD = ["with quantiles / without", "step", "epoch", "prediction", "forecast", "windows"]


def in_child(nodes, turns):
    """Yields the ratio of each kind of call, its CPU milliseconds, and those of calibration."""
    import keras
    import numpy as np
    import pandas as pd

    import stgkeras
    from stgkeras.forecasting import fitting, training
    from stgkeras.forecasting.patience import Patience

    class OneStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    rng = np.random.default_rng(0)
    times = pd.date_range("2024-05-01", periods=18 * 288, freq="5min", tz="Europe/Vienna")
    values = rng.uniform(20, 70, (len(times), nodes))
    road = np.diag(np.ones(nodes - 1), 1)
    frame = pd.DataFrame(values, times, [f"S{n}" for n in range(nodes)])
    series = stgkeras.datasets.from_pandas(frame, road + road.T)
    newest = stgkeras.datasets.from_pandas(frame[-12:])
    calls = {}
    for label, quantiles in (("without", None), ("with", LEVELS)):
        forecaster = stgkeras.Forecaster("GraphSTID", season=True, quantiles=quantiles)
        options = {"val": 2000, "test": 300, "verbose": 0}
        forecaster.fit(series, epochs=1, callbacks=[OneStep()], **options)
        form, (data, split) = forecaster.form, forecaster._data
        epoch = [
            training.windows(form, data, starts, True, batch_size=32)
            for starts in (split.train[: 20 * 32], split.val[: 10 * 32])
        ]
        forecaster.weights[:] = 1 / forecaster.weights.shape[1]  # no forecast is left out
        calls[label] = _calls(forecaster, epoch, Patience, newest, split.val[:640])
    found = {kind: {label: [] for label in calls} for kind in calls["with"]}
    for turn in range(turns + 3):
        for kind, times in found.items():
            if turn % FEW.get(kind, 1):
                continue
            for label, own in sorted(calls.items(), reverse=turn % 2):  # the first is slower
                start = process_time()
                own[kind]()
                times[label].append(1000 * (process_time() - start))
    kept = {
        kind: {label: own[min(3, len(own) // 4) :] for label, own in times.items()}
        for kind, times in found.items()
    }
    spent = []
    for _ in range(3):
        start = process_time()
        fitting.calibrated(forecaster._ready(), data, split.val)
        spent.append(process_time() - start)
    yield {
        "ratio": {
            kind: median(b / a for a, b in zip(*(times[label] for label in calls), strict=True))
            for kind, times in kept.items()
        },
        "ms": {kind: median(times["with"]) for kind, times in kept.items()},
        "calibration": median(spent),
        "versions": records.versions(),
    }


def _calls(forecaster, epoch, patience, newest, starts):
    """Returns the functions that are measured."""
    model, (x, y) = forecaster.model, epoch[0][0]
    return {
        "step": lambda: model.train_on_batch(x, y),
        "epoch": lambda: model.fit(
            epoch[0], validation_data=epoch[1], callbacks=[patience(5)], shuffle=False, verbose=0
        ),
        "prediction": lambda: model.predict_on_batch(x),
        "forecast": lambda: forecaster.forecast(newest),
        "windows": lambda: forecaster._ready().with_quantiles(forecaster._data[0], starts),
    }


def table(result):
    rows = [[*HEAD, "calibration, CPU s", "in steps"]]
    for name, runs in result["figures"].items():
        ratios = [f"{median(run['ratio'][kind] for run in runs):.2f}" for kind in HEAD[1:]]
        seconds = median(run["calibration"] for run in runs)
        steps = median(1000 * run["calibration"] / run["ms"]["step"] for run in runs)
        rows.append([name, *ratios, f"{seconds:.2f}", f"{steps:.0f}"])
    return records.markdown(rows)


def main(args):
    result = {"figures": {}, "versions": {}}
    for _, shape, backend in itertools.product(range(args.runs), args.shapes, args.backends):
        request = {"nodes": SHAPES[shape], "turns": args.turns}
        answer = command.ask(__file__, backend, 1, **request)
        result["versions"] |= answer.pop("versions")
        result["figures"].setdefault(f"{shape}, {backend}", []).append(answer)
        records.save(args, result)
    return result


if __name__ == "__main__":
    command.run(__name__)
