import keras
from keras import activations, initializers

from stgkeras.kernels import time_conv
from stgkeras.layers import _checks
from stgkeras.layers._renamed import Renamed


@keras.saving.register_keras_serializable("stgkeras")
class TemporalConv(Renamed, keras.layers.Layer):
    """Convolution along time with zeros around the window, and another signal added.

        y = activation(x * W + b + added)

    Args:
        filters: int. Number of output features of a node.
        kernel_size: odd int. Number of steps that an output step sees; (kernel_size - 1) / 2 steps
            of zeros are put before the window and after it.
        stride: int. Steps from one output to the next.
        activation, kernel_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: (batch, time, nodes, features).
        added: None, or a signal of the shape of the result, added before the activation.

    Returns:
        (batch, ⌈time / stride⌉, nodes, filters).

    Raises:
        ValueError: if an argument is out of range, or `x` has other axes.
    """

    name_in_old_files = "Conv2D"

    def __init__(
        self,
        filters,
        kernel_size,
        stride=1,
        activation=None,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = _checks.integer("filters", filters)
        self.kernel_size = _checks.integer("kernel_size", kernel_size)
        if not self.kernel_size % 2:
            raise ValueError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}")
        self.stride = _checks.integer("stride", stride)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, x_shape, added_shape=None):
        _checks.signal(x_shape)
        shape = (self.kernel_size, 1, x_shape[-1], self.filters)  # as in files of 0.1.0
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, x, added=None):
        padding = self.kernel_size // 2
        return time_conv(
            x, self.kernel[:, 0], self.bias, self.stride, padding, added, self.activation
        )

    def compute_output_shape(self, x_shape, added_shape=None):
        batch, time, nodes, _ = x_shape
        time = None if time is None else -(-time // self.stride)
        return (batch, time, nodes, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "activation": activations.serialize(self.activation),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
