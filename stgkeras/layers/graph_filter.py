"""The base class of the graph convolutions."""

import keras
from keras import activations, initializers, ops, regularizers

from stgkeras.layers import _checks


class GraphFilter(keras.layers.Layer):
    """Base of the graph convolutions: output features, activation, bias and their settings.

    A subclass creates its kernel with `add_kernel` in `build` and ends `call` with `finish`.
    """

    def __init__(
        self,
        filters,
        *,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = _checks.integer("filters", filters)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def add_kernel(self, shape, initializer=None):
        """Creates `kernel` of the given shape and, if wanted, `bias` (filters,)."""
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

    def finish(self, y):
        """Adds the bias and applies the activation."""
        return self.activation(y if self.bias is None else ops.add(y, self.bias))

    def compute_output_shape(self, x_shape, graph_shape=None):
        return (*x_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
        }
