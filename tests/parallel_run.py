"""Trains a model in one process or several, and writes what came out. A script of its own.

KERAS_BACKEND=jax python tests/parallel_run.py FOLDER devices    also runs `stgkeras fit`
KERAS_BACKEND=jax python tests/parallel_run.py FOLDER processes 127.0.0.1:5123 INDEX
"""

import contextlib
import pathlib
import sys

import keras
import numpy as np

from stgkeras import callbacks, cli, datasets, losses, metrics, models, parallel

NODES, STEPS = 3, 61
RING = np.roll(np.eye(NODES), 1, axis=1) * -1.0


def model():
    found = models.GraphSTID(
        NODES, graph=RING, input_length=4, horizon=2, normalize=True, units=8, dropout=0.0
    )
    found.adapt(_values())
    rng = np.random.default_rng(2)
    for variable in found.trainable_variables:
        variable.assign(rng.normal(0, 0.3, variable.shape))
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


def train(found, first=0, watching=()):
    """Trains two epochs, the first one or those after a checkpoint."""
    train, validation = windows(shuffle=True), windows(range(40, 55))
    train.epoch = first
    options = {"epochs": first + 2, "initial_epoch": first, "shuffle": False, "verbose": 0}
    return found.fit(train, validation_data=validation, callbacks=watching, **options).history


def weights(found):
    return {v.path: keras.ops.convert_to_numpy(v) for v in found.trainable_variables}


def loop(found, watching=()):
    """The loop of examples/train_parallel.py, on PyTorch."""
    import torch

    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
    import train_parallel

    train_parallel.LOSS = losses.MaskedMeanSquaredError()
    shared = torch.nn.parallel.DistributedDataParallel(found)
    optimizer = torch.optim.SGD(found.parameters(), 0.01)
    train, validation, losses_seen = windows(shuffle=True), windows(range(40, 55)), []
    train.on_epoch_end()  # as Keras does when `fit` begins
    for _ in range(2):
        train_parallel.mean_loss(shared, train, optimizer)
        losses_seen.append(train_parallel.mean_loss(found, validation))
    for one in watching:
        one.set_model(found)
        one.on_epoch_end(1)
    return {"val_loss": losses_seen}


def focal_means():
    """Means of focal losses of three graphs: two on the first replica of TensorFlow, one on the
    other."""
    rng = np.random.default_rng(3)
    graphs = rng.random((3, 2, 2)).round(), rng.uniform(0.1, 0.9, (3, 2, 2)), rng.random(3)
    graphs = [array.astype("float32") for array in graphs]
    kinds = [losses.FocalLoss(reduction=kind) for kind in ("mean", "mean_with_sample_weight")]

    def means(*parts):
        return keras.ops.stack([loss(*parts) for loss in kinds])

    if keras.backend.backend() != "tensorflow":
        return keras.ops.convert_to_numpy(means(*graphs))
    import tensorflow as tf

    def part(array):
        halves = (array[:2], array[2:]) if strategy.num_replicas_in_sync > 1 else (array,)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(halves[context.replica_id_in_sync_group])
        )

    strategy = tf.distribute.get_strategy()
    run = tf.function(lambda *parts: strategy.run(means, parts))
    return strategy.reduce("sum", run(*map(part, graphs)), axis=None).numpy()


def results(found, watching=()):
    """The errors in training and validation, forecasts, and the weights after the training."""
    test = windows(range(40, 55))
    is_loop = test.shard[1] > 1 and keras.backend.backend() == "torch"
    history = (loop if is_loop else train)(found, watching=watching)
    more = {"forecast": found.predict(test, verbose=0), "focal": focal_means()}
    return {**history, **more, **weights(found)}


def fit_words(folder, *options):
    """The words of `stgkeras fit` on speeds.csv and roads.csv of the folder."""
    files = folder / "speeds.csv", folder / "roads.csv"
    small = "--horizon 2 --input-length 3 --epochs 2 --seed 1 --units km/h --timezone UTC".split()
    sets = [f"--set={name}" for name in ("units=4", "num_blocks=1", "dropout=0.0", "K=1")]
    return [*map(str, ("fit", *files, *small, *sets, *options))]


@contextlib.contextmanager
def group(address, count, index):
    from torch import distributed

    distributed.init_process_group("gloo", address, world_size=count, rank=index)
    yield count
    distributed.barrier()  # as in the example
    distributed.destroy_process_group()


def engine(kind, address=None, index="0"):
    if kind == "one":
        return contextlib.nullcontext()
    if kind == "processes":
        if keras.backend.backend() == "torch":
            return group(f"tcp://{address}", 2, int(index))
        return parallel.processes(address, 2, int(index))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    return parallel.devices()


def main(folder, kind, *place):
    number = int(place[1]) if place else 0
    folder = pathlib.Path(folder)
    with engine(kind, *place) as count:
        found = results(model(), [callbacks.Checkpoint(folder / f"{number}.keras")])
        assert parallel.is_first() == (number == 0)
    np.savez(folder / f"{number}.npz", **found, count=count or 1)
    if kind == "devices":
        words = fit_words(folder, "--devices", count, "--out", folder / "shared")
        assert cli.main(words) == 0


if __name__ == "__main__":
    from own_process import quick_process

    with quick_process():
        main(*sys.argv[1:])
