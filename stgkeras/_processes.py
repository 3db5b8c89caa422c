"""The processes and devices that train one model together, as the backend has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops


def running() -> tuple[int, int]:
    """Returns the index of this process and the number of processes: (0, 1) for a single one.

    They are those of `torch.distributed` on PyTorch and of `jax.distributed` on JAX. TensorFlow
    trains in one process.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        from torch import distributed

        if distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
    elif backend == "jax":
        import jax

        if jax.distributed.is_initialized():
            return jax.process_index(), jax.process_count()
    return 0, 1


def is_first() -> bool:
    """Returns whether this process is the only one, or the first one, which writes the files."""
    return running()[0] == 0


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Context in which one process saves a model, while the others do something else.

    To compare, Keras creates a new optimizer when it saves one. Under a `keras.distribution`, JAX
    would wait until the other processes do the same.
    """
    before = keras.distribution.distribution()
    if before is not None:
        keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        if before is not None:
            keras.distribution.set_distribution(before)


def sharing() -> int:
    """Returns the number of devices or processes that share a batch, which it is a multiple of."""
    return max(batch_devices(), running()[1])


def batch_devices() -> int:
    """Returns the number of devices, of all processes, that share a batch: 1 without a
    `keras.distribution`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    mesh = distribution.device_mesh
    return int(mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)])


def replicas() -> int:
    """Returns the number of replicas of a `tf.distribute` strategy that compute this step."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def mean_over_replicas(loss: Any, weight: Any) -> Any:
    """Returns the part of one replica in a mean over the entries of all replicas.

    Args:
        loss: the mean that Keras computed: divided by the weights of one replica, and by the number
            of replicas. Replicas may have different weights.
        weight: tensor of the weights of one replica.
    """
    if replicas() == 1:
        return loss
    share = ops.divide_no_nan(ops.mean(weight), mean_of_replicas(weight))
    return loss * ops.cast(share, loss.dtype)


def mean_of_replicas(weight: Any) -> Any:
    """Returns the mean of a tensor, over all replicas of a `tf.distribute` strategy.

    Replicas may hold different numbers of entries. The result is the sum of all entries, divided by
    the number of replicas and the number of entries of this one: Keras divides a loss by both.
    """
    count = replicas()
    if count == 1:
        return ops.mean(weight)
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(weight))
    return tf.math.divide_no_nan(total, tf.cast(tf.size(weight), weight.dtype) * count)
