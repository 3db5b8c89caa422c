"""Trains each new model of the zoo for a few epochs on Los-loop, on each backend.

    python benchmarks/zoo_training.py --data FOLDER

The question is whether a model trains, not how good it can become: 50 sensors, small widths and few
epochs. FOLDER holds los_loop/los_loop.npz, and metr_la/sensor_locations_207.csv for the places of
the sensors. `Forecaster` chooses the season, the split is its default, and the weights of the best
epoch on validation are kept. The table has the test MAE in mph over 12 steps of 5 minutes.
"""

import dataclasses
import math
import pathlib
import sys
from time import process_time

import command
import records

MODELS = {
    "STID": {},
    "GraphWaveNet": {
        **{"residual_filters": 8, "dilation_filters": 8, "skip_filters": 32, "end_filters": 64},
        **{"kernel_size": 3, "num_blocks": 2, "num_layers": 2},
    },
    "STAEformer": {
        **{"input_units": 8, "day_units": 8, "week_units": 8, "adaptive_units": 16},
        **{"feed_forward_units": 64, "num_blocks": 1},
    },
    "STAEformer, linear": {
        **{"input_units": 8, "day_units": 8, "week_units": 8, "adaptive_units": 16},
        **{"feed_forward_units": 64, "num_blocks": 1},
        **{"spatial_attention": "linear", "random_features": 32},
    },
    "PatchSTG": {
        **{"input_units": 16, "day_units": 8, "week_units": 8, "node_units": 16, "num_blocks": 2},
    },
    "FaST": {"units": 32, "num_blocks": 2, "num_experts": 4, "num_agents": 16},
}
SENSORS = 50  # of 207
OPTIONS = {
    "data": {**command.DATA, "type": pathlib.Path},
    "models": command.several(MODELS),
    "backends": command.BACKENDS,
    "epochs": 4,
    "rate": (5e-3, "learning rate of Adam"),
}


def in_child(name, data, epochs, rate):
    """Yields the test errors of a training, its CPU seconds, and the versions."""
    import keras
    import pandas as pd
    from forecasting_data import DATASETS

    import stgkeras

    folder = pathlib.Path(data)
    series = DATASETS["los_loop"](folder / "los_loop").series
    places = pd.read_csv(folder / "metr_la" / "sensor_locations_207.csv")
    places = places[["latitude", "longitude"]].to_numpy()
    series = dataclasses.replace(series, places=places)
    series = series.select(series.names[:SENSORS])
    forecaster = stgkeras.Forecaster(name.split(",")[0], **MODELS[name])
    optimizer = keras.optimizers.Adam(rate)
    start = process_time()
    history = forecaster.fit(series, epochs=epochs, optimizer=optimizer, verbose=0).history
    spent = process_time() - start
    errors = forecaster.evaluate()
    yield {
        "mae": errors["MAE mean"].to_dict(),
        "validation": history["val_loss"],
        "season": forecaster.model.season is not None,
        "parameters": sum(math.prod(one.shape) for one in forecaster.model.trainable_weights),
        "seconds": spent,
        "versions": records.versions(),
    }


def main(args):
    found = records.read(args.out).get("figures", {})  # a finished training is not repeated
    for name in args.models:
        for backend in args.backends:
            if backend in found.setdefault(name, {}):
                continue
            print(name, backend, file=sys.stderr, flush=True)
            request = {"name": name, "data": str(args.data.resolve())}
            request |= {"epochs": args.epochs, "rate": args.rate}
            found[name][backend] = command.ask(__file__, backend, 1, **request)
            records.save(args, {"figures": found})
    return {"figures": found}


def table(result):
    figures, kinds = result["figures"], command.BACKENDS
    rows = [["", *kinds, "last value", "CPU s, PyTorch"]]
    for name, own in figures.items():
        cells = [f"{own[one]['mae']['model']:.3f}" if one in own else "" for one in kinds]
        last = next(iter(own.values()))["mae"]["last value"]
        seconds = f"{own['torch']['seconds']:.0f}" if "torch" in own else ""
        rows.append([name, *cells, f"{last:.3f}", seconds])
    return records.markdown(rows)


if __name__ == "__main__":
    command.run(__name__)
