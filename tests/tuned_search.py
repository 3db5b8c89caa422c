"""A small search space of STGCN, and a search over it that several processes can share.

    KERASTUNER_TUNER_ID=chief KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 \\
        KERAS_BACKEND=jax python tests/tuned_search.py FOLDER TRIALS

is the chief of keras-tuner; with other ids it is a worker, which writes what it ran into a file.
"""

import os
import pathlib
import sys
import time

import keras
import keras_tuner
import numpy as np

from stgkeras import datasets, tuning

NODES, LENGTH, HORIZON = 4, 6, 2
SERIES = np.random.default_rng(0).normal(50, 10, (60, NODES, 1)).astype("float32")
ADJACENCY = np.roll(np.eye(NODES), 1, axis=1) + np.roll(np.eye(NODES), -1, axis=1)
SPLIT = datasets.split_windows(len(SERIES), LENGTH, HORIZON)
KNOWN = SERIES[: datasets.training_steps(SPLIT, LENGTH, HORIZON)]
# One block is the fastest to compile; nothing here depends on sizes.
TINY = {
    **{"num_blocks": 1, "kernel_size": 2, "temporal_filters": 4, "spatial_filters": 2},
    **{"output_filters": (4, 4), "graph_conv": "gcn", "gate": "glu", "dropout": 0.0},
    **{"loss": "mae", "T_0": 2, "T_mult": 1, "batch_size": 16},
    **{"input_length": LENGTH, "horizon": HORIZON, "normalize": True},
}


def windows(batch_size, input_length):
    """Training and validation, as a hypermodel asks for them."""
    options = {"input_length": input_length, "horizon": HORIZON, "batch_size": batch_size}
    train = datasets.Windows(SERIES, SERIES, SPLIT.train, shuffle=True, **options)
    return train, datasets.Windows(SERIES, SERIES, SPLIT.val, **options)


def space(windows=windows, **arguments):
    """Of the learning rate alone, unless arguments say otherwise."""
    arguments = {name: v for name, v in {**TINY, **arguments}.items() if v is not None}
    return tuning.STGCNHyperModel(windows, ADJACENCY, values=KNOWN, **arguments)


def tuner(kind, hypermodel, folder, **arguments):
    arguments = {"seed": 1, "directory": str(folder), "project_name": "search", **arguments}
    return getattr(keras_tuner, kind)(hypermodel, objective=hypermodel.objective, **arguments)


def light(chosen):
    """A model that any backend compiles at once."""
    x = keras.Input((LENGTH, NODES, 1))
    y = keras.layers.Dense(HORIZON)(keras.ops.transpose(x, (0, 2, 3, 1)))
    model = keras.Model(x, keras.ops.transpose(y, (0, 3, 1, 2)))
    model.input_length = LENGTH
    return model


def main(folder, trials):
    name, ran = os.environ["KERASTUNER_TUNER_ID"], []

    def noted(batch_size, input_length):
        ran.append(batch_size)
        return windows(batch_size, input_length)

    if name == "chief":
        # It looks every 20 seconds whether all have gone.
        sleep = time.sleep
        time.sleep = lambda seconds: sleep(min(seconds, 0.5))
    hypermodel = space(noted, batch_size=None, log_dir=folder / "logs")
    tuner("RandomSearch", hypermodel, folder, max_trials=trials).search(epochs=1, verbose=0)
    (folder / f"{name}.txt").write_text(" ".join(map(str, ran)))


if __name__ == "__main__":
    from own_process import quick_process

    with quick_process():
        main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
