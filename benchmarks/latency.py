"""Measures the CPU time from the newest readings to a forecast, beside that of `model.predict`.

    python benchmarks/latency.py
    python benchmarks/latency.py --against FOLDER

A GraphSTID of 170 sensors forecasts 12 steps of 5 minutes from the last 12, one window at a time,
on one thread. `forecast` also puts the readings into the order of the sensors, computes times,
calendar and flags, and mixes the model with three baselines, all of which count. Its calls and
those of `predict` alternate, after 20 calls of each. Each run is a new process; the table shows
medians. FOLDER is another checkout, for a column "before".
"""

import itertools
import pathlib
from statistics import median
from time import process_time

import command
import records

OPTIONS = {
    "backends": command.BACKENDS,
    "sensors": 170,
    "calls": (100, "calls that count"),
    "runs": 3,
    "against": ("", "another checkout"),
}
WARM_UP = 20
FORMS = {"series": "`forecast(series)`", "frame": "`forecast(frame)`"}


def in_child(sensors, calls):
    """Yields the CPU milliseconds of each kind of call, and the largest difference of forecasts."""
    import keras
    import numpy as np
    import pandas as pd

    import stgkeras

    class OneStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    times = pd.date_range("2024-05-01", periods=2 * 288, freq="5min", tz="Europe/Vienna")
    values = np.random.default_rng(0).uniform(20, 70, (len(times), sensors))
    frame = pd.DataFrame(values, times, [f"S{n}" for n in range(sensors)])
    road = np.diag(np.ones(sensors - 1), 1)
    series = stgkeras.datasets.from_pandas(frame, road + road.T)
    forecaster = stgkeras.Forecaster("GraphSTID", season=True)
    forecaster.fit(series, epochs=1, callbacks=[OneStep()], verbose=0)
    newest = frame[-12:]
    newest_series = stgkeras.datasets.from_pandas(newest)
    calendar = stgkeras.datasets.calendar(pd.date_range(newest.index[0], periods=24, freq="5min"))
    inputs = {
        "x": newest.to_numpy("float32")[None, ..., None],
        "past_calendar": calendar[None, :12],
        "calendar": calendar[None, 12:],
    }
    kinds = {
        "predict": lambda: forecaster.model.predict(inputs, verbose=0),
        "series": lambda: forecaster.forecast(newest_series),
        "frame": lambda: forecaster.forecast(newest),
    }
    forecaster.weights[:] = 0.0
    forecaster.weights["model"] = 1.0
    expected = np.maximum(kinds["predict"]()[0], 0)  # as all readings are positive
    alone = max(np.abs(kinds[kind]().values - expected).max() for kind in FORMS for _ in range(3))
    forecaster.weights[:] = 1 / forecaster.weights.shape[1]
    found = {kind: [] for kind in kinds}
    for _ in range(WARM_UP + calls):
        for kind, call in kinds.items():
            start = process_time()
            call()
            found[kind].append(1000 * (process_time() - start))
    milliseconds = {kind: median(times[WARM_UP:]) for kind, times in found.items()}
    yield {**milliseconds, "difference": float(alone), "versions": records.versions()}


def table(result):
    head = ["CPU ms, medians", "`predict`"]
    for name in FORMS.values():
        head += [name, "of `predict`", *(["before"] if result["against"] else [])]
    rows = [[*head, "largest difference"]]
    for backend, found in result["figures"].items():
        row = [backend, f"{median(found['now']['predict']):.2f}"]
        for kind in FORMS:
            now = found["now"]
            share = median(a / b for a, b in zip(now[kind], now["predict"], strict=True))
            row += [f"{median(now[kind]):.2f}", f"{share:.0%}"]
            row += [f"{median(found['before'][kind]):.2f}"] if result["against"] else []
        rows.append([*row, f"{max(found['now']['difference']):.1g}"])
    return records.markdown(rows)


def main(args):
    roots = {"now": records.ROOT}
    if args.against:
        roots["before"] = pathlib.Path(args.against).resolve()
    result = {"against": bool(args.against), "figures": {}, "versions": {}}
    for backend, _, when in itertools.product(args.backends, range(args.runs), roots):
        request = {"sensors": args.sensors, "calls": args.calls}
        answer = command.ask(__file__, backend, 1, roots[when], **request)
        result["versions"] |= answer.pop("versions")
        kept = result["figures"].setdefault(backend, {}).setdefault(when, {})
        for kind, figure in answer.items():
            kept.setdefault(kind, []).append(figure)
        records.save(args, result)
    return result


if __name__ == "__main__":
    command.run(__name__)
