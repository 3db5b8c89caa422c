"""Layer normalisation.

Fast form: TensorFlow on CPU (prediction in compiled functions: four times as fast as means and
products). On PyTorch, `CenteredLayerNormalization` calls PyTorch's own kernel, which is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.types import Tensor


def layer_normalization(
    x: Tensor,
    axes: Sequence[int],
    gamma: Tensor | None,
    beta: Tensor | None,
    epsilon: float,
    training: bool | None = False,
) -> Tensor:
    """Computes `gamma (x - mean) / √(variance + epsilon) + beta` over the last axes.

    The mean is subtracted first, because `x · s - mean · s` has larger rounding errors.

    Args:
        x: float tensor; half precision is computed in float32.
        axes: the axes to normalise, which are the last ones.
        gamma, beta: None, or tensors of the shape of the axes.
        epsilon: float.
        training: bool. Whether gradients are needed. TensorFlow's fast form has no gradients.

    Returns:
        A tensor of the shape of `x`, float32 or float64.
    """
    x = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))  # half precision is too coarse
    if gamma is not None and beta is not None and not training and _has_tensorflow_kernel(x):
        return _on_tensorflow(x, gamma, beta, epsilon)
    x = x - ops.mean(x, axis=axes, keepdims=True)
    variance = ops.mean(ops.square(x), axis=axes, keepdims=True)
    y = x * ops.rsqrt(variance + epsilon)
    y = y if gamma is None else gamma * y
    return y if beta is None else y + beta


def _has_tensorflow_kernel(x):
    if keras.backend.backend() != "tensorflow" or x.dtype != "float32":
        return False
    import tensorflow as tf
    from tensorflow.python.util import _pywrap_util_port

    is_compiled = not tf.executing_eagerly() and _pywrap_util_port.IsMklEnabled()
    return is_compiled and dispatch.takes_fast_form(x)


def _on_tensorflow(x, gamma, beta, epsilon):
    """Computes layer normalisation as a batch normalisation, with the samples as channels.

    TensorFlow uses its oneDNN kernel only if the number of channels is unknown. Placeholders hide
    this number.
    """
    import tensorflow as tf

    def hidden(value, shape):
        return tf.compat.v1.placeholder_with_default(value, shape)

    size = math.prod(gamma.shape)
    flat = hidden(tf.reshape(x, (-1, size)), (None, size))
    rows = hidden(tf.size(x) // size, ())
    y = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(flat, [1, rows, size, 1]),
        scale=tf.fill([rows], 1.0),
        offset=tf.fill([rows], 0.0),
        mean=tf.constant([]),
        variance=tf.constant([]),
        epsilon=epsilon,
        data_format="NCHW",
    )[0]
    y = tf.reshape(y, [rows, size]) * tf.reshape(gamma, [-1]) + tf.reshape(beta, [-1])
    return tf.reshape(y, tf.shape(x))
