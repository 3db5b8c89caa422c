from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import activations, initializers

from stgkeras.kernels import time_conv
from stgkeras.layers import _checks
from stgkeras.layers._renamed import Renamed
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class TemporalConv(Renamed, keras.layers.Layer):
    """Convolution along time with zero padding, which can also add a residual signal.

        y = activation(x * W + b + added)

    `*` is a convolution along time, the same for all nodes, with the trainable kernel W and the
    trainable bias b. `added` is another signal, or 0.

    Args:
        filters: int. Number of output features of a node.
        kernel_size: odd int. Number of input steps that each output step uses. (kernel_size - 1) /
            2 steps of zeros are added before the window and after the window.
        stride: int. Number of steps between two outputs. Default 1.
        activation, kernel_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: tensor (batch, time, nodes, features).
        added: None, or a tensor of the shape of the result. Default None.

    Returns:
        Tensor (batch, ⌈time / stride⌉, nodes, filters).

    Raises:
        ValueError: if an argument is out of range, or `x` has other axes.
    """

    name_in_old_files = "Conv2D"

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        stride: int = 1,
        activation: str | Callable[[Tensor], Tensor] | None = None,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = _checks.integer("filters", filters)
        self.kernel_size = _checks.integer("kernel_size", kernel_size)
        if not self.kernel_size % 2:
            raise ValueError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}")
        self.stride = _checks.integer("stride", stride)
        self.activation = _checks.activation("activation", activation)
        self.kernel_initializer = _checks.initializer("kernel_initializer", kernel_initializer)

    def build(self, x_shape: tuple, added_shape: tuple | None = None) -> None:
        _checks.signal(x_shape)
        # The kernels in files of version 0.1.0 have the axis of size 1.
        shape = (self.kernel_size, 1, x_shape[-1], self.filters)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        padding = self.kernel_size // 2
        return time_conv(
            x, self.kernel[:, 0], self.bias, self.stride, padding, added, self.activation
        )

    def compute_output_shape(self, x_shape: tuple, added_shape: tuple | None = None) -> tuple:
        batch, time, nodes, _ = x_shape
        time = None if time is None else -(-time // self.stride)
        return (batch, time, nodes, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "activation": activations.serialize(self.activation),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
