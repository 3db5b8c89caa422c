"""Starts the engine of the backend for several devices or several processes."""

from __future__ import annotations

import atexit
import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Iterator
from unittest import mock

import keras

from stgkeras import _processes, arguments

TORCHRUN = "torchrun --standalone --nproc-per-node 2 examples/train_parallel.py"
HEARTBEAT = 30  # seconds without a sign of a process until JAX ends the others
ENGINES = {
    "jax": "keras.distribution.DataParallel, for the devices of one process or of several",
    "tensorflow": "tf.distribute.MirroredStrategy, for the devices of one process",
    "torch": "torch.distributed, for several processes and a training loop of your own",
}


def engine() -> str:
    """Returns the name of what trains on several devices with the backend, and what it can do.

    Example:
        >>> import stgkeras.parallel
        >>> "distribut" in stgkeras.parallel.engine()
        True
    """
    return ENGINES[keras.backend.backend()]


@contextlib.contextmanager
def devices(count: int | None = None) -> Iterator[int]:
    """Trains the models that are made within the context on several devices of this process.

    Each device computes a part of each batch. The weights after a step are those of one device with
    the same batches, except for rounding and the random numbers of dropout. Make the model,
    compile it and create its `datasets.Windows` within the context.

    Args:
        count: int or None. Number of devices, the first ones that the backend lists: GPUs if there
            are any, else CPUs. None: all.

    Yields:
        int. The number of devices.

    Raises:
        ValueError: if there are fewer devices, or the backend is PyTorch, for which Keras 3.15 has
            no engine.

    Example:
        >>> import keras, stgkeras.parallel
        >>> if keras.backend.backend() != "torch":
        ...     with stgkeras.parallel.devices(1) as count:
        ...         pass  # make the model, compile it, call `fit`
    """
    if count is not None:
        count = arguments.integer("count", count)
    backend = keras.backend.backend()
    if backend == "torch":
        raise ValueError(
            "`devices` needs TensorFlow or JAX: Keras has no engine for PyTorch. Received: the "
            f"backend torch. Train in several processes instead: {TORCHRUN}"
        )
    with (_on_jax if backend == "jax" else _on_tensorflow)(count) as found:
        yield found


@contextlib.contextmanager
def processes(address: str, count: int, index: int) -> Iterator[int]:
    """Trains the models that are made within the context in several processes, on JAX.

    Call it in each process, at the start: before a model or another array is made. Each process
    then makes the same model and the same `datasets.Windows`, which read its part of each batch by
    themselves. `fit` and `evaluate` return the same figures in each process, and `predict` returns
    the forecasts of all windows. Only one process should write files: see `is_first`.

    If a process ends early, the others end with an error: at once if the connection to it breaks,
    otherwise after half a minute without a sign of it. A process that fails inside the context ends
    without waiting for the others.

    Args:
        address: str. Host and port of the first process, such as "10.0.0.1:1234".
        count: int. Number of processes.
        index: int. Number of this process, from 0.

    Yields:
        int. The number of devices of all processes.

    Raises:
        ValueError: if the backend is not JAX, `index` is not below `count`, or `address` has no
            port.

    Example:
        >>> def train(index):
        ...     with stgkeras.parallel.processes("127.0.0.1:5123", count=2, index=index):
        ...         pass  # make the model, compile it, call `fit`
    """
    count = arguments.integer("count", count)
    index = arguments.integer("index", index, 0)
    if index >= count:
        raise ValueError(f"`index` must be below the count, {count}. Received: index={index}")
    port = address.rpartition(":")[2] if isinstance(address, str) and ":" in address else ""
    if not (port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(
            "`address` must be host and port of the first process, the same in each process. "
            f"Received: address={address!r}. Pass a str such as '10.0.0.1:1234'."
        )
    if keras.backend.backend() != "jax":
        raise ValueError(
            "`processes` needs JAX. Received: the backend "
            f"{keras.backend.backend()}. On PyTorch, use {TORCHRUN}. On TensorFlow, use `devices`."
        )
    _join(address, count, index)
    try:
        with _on_jax(None) as found:
            yield found
    except (Exception, KeyboardInterrupt) as error:
        error.add_note(
            f"This is the process {index} of the processes 0 to {count - 1}. If a connection broke,"
            " another one ended first: its own output tells why."
        )
        # At its end JAX waits for the other processes, and these wait for a result of this one.
        atexit.register(_leave)
        raise


def is_first() -> bool:
    """Returns whether this process is the only one, or the first one, which writes the files.

    Example:
        >>> import stgkeras.parallel
        >>> stgkeras.parallel.is_first()
        True
    """
    return _processes.is_first()


def _join(address, count, index):
    """Does what `keras.distribution.initialize` does, and notices sooner that a process ended."""
    import jax
    from keras.src.backend.jax.distribution_lib import initialize_rng

    options = {"heartbeat_timeout_seconds": HEARTBEAT}
    known = inspect.signature(jax.distributed.initialize).parameters  # not in JAX before 0.7
    options = {name: value for name, value in options.items() if name in known}
    jax.distributed.initialize(address, count, index, **options)
    initialize_rng()


def _leave():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


@contextlib.contextmanager
def _on_jax(count):
    import jax

    found = keras.distribution.list_devices(jax.default_backend())
    found = _first(found, count, "XLA_FLAGS=--xla_force_host_platform_device_count=4")
    before = keras.distribution.distribution()
    # `Windows` returns the part of this process, so Keras must not shard the data again.
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=found, auto_shard_dataset=False)
    )
    try:
        yield len(found)
    finally:
        keras.distribution.set_distribution(before)


@contextlib.contextmanager
def _on_tensorflow(count):
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    fix = "tf.config.set_logical_device_configuration"
    found = _first([device.name for device in found], count, fix)
    with _strategy(*found).scope(), _clip_sums(len(found)):
        yield len(found)


@functools.cache
def _strategy(*names):
    """Returns one strategy for the same devices: sums of two of them would get the same keys."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names)


@contextlib.contextmanager
def _clip_sums(count):
    """Makes Keras clip the sum of the gradients of all replicas, as on one device.

    Keras 3.15 clips the gradients of each replica, before it adds them.
    """
    import tensorflow as tf

    clip = keras.optimizers.Optimizer._clip_gradients

    def clipped(self, grads):
        context = tf.distribute.get_replica_context()
        if context is None or not (self.clipnorm or self.global_clipnorm or self.clipvalue):
            return clip(self, grads)
        some = [tf.convert_to_tensor(grad) for grad in grads if grad is not None]
        sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, some))
        sums = [None if grad is None else next(sums) for grad in grads]
        # Keras will add this result `count` times.
        return [None if grad is None else grad / count for grad in clip(self, sums)]

    with mock.patch.object(keras.optimizers.Optimizer, "_clip_gradients", clipped):
        yield


def _first(found, count, fix):
    if count is not None and count > len(found):
        raise ValueError(
            f"`count` must be at most the number of devices, {len(found)}. Received: count={count}."
            f" To make several of one CPU, for a test, set {fix}"
        )
    return found[:count]
