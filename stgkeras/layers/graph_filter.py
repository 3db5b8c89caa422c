"""The base class of the graph convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import activations, initializers, regularizers

from stgkeras.layers import _checks
from stgkeras.types import Tensor


class GraphFilter(keras.layers.Layer):
    """Base of the graph convolutions, with their common arguments, bias and activation.

    A subclass calls `add_kernel` in `build`. In `call` it adds the bias and applies the activation.

    Args:
        filters: int. Number of output features of a node.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`.
    """

    def __init__(
        self,
        filters: int,
        *,
        activation: str | Callable[[Tensor], Tensor] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        kernel_regularizer: str | keras.regularizers.Regularizer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = _checks.integer("filters", filters)
        self.activation = _checks.activation("activation", activation)
        self.use_bias = _checks.boolean("use_bias", use_bias)
        self.kernel_initializer = _checks.initializer("kernel_initializer", kernel_initializer)
        self.bias_initializer = _checks.initializer("bias_initializer", bias_initializer)
        self.kernel_regularizer = _checks.regularizer("kernel_regularizer", kernel_regularizer)

    def add_kernel(
        self, shape: tuple, initializer: keras.initializers.Initializer | None = None
    ) -> None:
        """Creates the weight `kernel` of this shape and, with `use_bias`, `bias` (filters,)."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=shape,
            initializer=initializer or self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer=self.bias_initializer
            )

    def compute_output_shape(self, x_shape: tuple, graph_shape: Any = None) -> tuple:
        return (*x_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
        }
