"""Trains a model in one process or several, and writes what came out. A script of its own.

KERAS_BACKEND=jax python tests/parallel_run.py FOLDER devices
KERAS_BACKEND=jax python tests/parallel_run.py FOLDER processes 127.0.0.1:5123 INDEX
"""

import contextlib
import pathlib
import sys

import keras
import numpy as np

from stgkeras import datasets, losses, metrics, models, parallel

NODES, STEPS = 3, 61
RING = np.roll(np.eye(NODES), 1, axis=1) * -1.0


def model():
    keras.utils.set_random_seed(0)
    found = models.GraphSTID(
        NODES, graph=RING, input_length=4, horizon=2, normalize=True, units=8, dropout=0.0
    )
    found.adapt(_values())
    found.compile(
        keras.optimizers.SGD(0.01),
        losses.MaskedMeanSquaredError(),
        metrics=[metrics.MaskedMeanAbsoluteError(name="mae")],
    )
    return found


def windows(starts=range(40), **options):
    return datasets.Windows(
        *(_values(), _values(), np.array(starts)),
        **{"input_length": 4, "horizon": 2, "batch_size": 12, "missing": True, "last": "fill"},
        **options,
    )


def _values():
    """A fifth of the readings are missing, not equally many in each window."""
    rng = np.random.default_rng(1)
    values = rng.normal(5, 2, (STEPS, NODES, 1)).astype("float32")
    values[rng.random(values.shape) < np.linspace(0, 0.4, STEPS)[:, None, None]] = np.nan
    return values


def train(found):
    train, validation = windows(shuffle=True), windows(np.arange(40, 55))
    history = found.fit(train, validation_data=validation, epochs=2, shuffle=False, verbose=0)
    return history.history


def results():
    """The history of the training, the figures and forecasts of a test, and the weights."""
    found = model()
    history = train(found)
    test = windows(np.arange(40, 55))
    figures = [history[name] for name in sorted(history)]
    return {
        "history": figures,
        "evaluate": found.evaluate(test, verbose=0),
        "forecast": found.predict(test, verbose=0),
        **{v.path: keras.ops.convert_to_numpy(v) for v in found.trainable_variables},
    }


def engine(kind, address=None, index="0"):
    if kind == "one":
        return contextlib.nullcontext()
    if kind == "processes":
        return parallel.processes(address, 2, int(index))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    return parallel.devices()


def main(folder, kind, *place):
    with engine(kind, *place) as count:
        found = results()
    number = place[1] if place else 0
    np.savez(pathlib.Path(folder) / f"{number}.npz", **found, count=count or 1)
    assert parallel.is_first() == (int(number) == 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
