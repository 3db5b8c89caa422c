from __future__ import annotations

from typing import Any

import keras
from keras import initializers, ops

from stgkeras.layers import _checks
from stgkeras.layers._renamed import Renamed
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class TemporalDense(Renamed, keras.layers.Layer):
    """Linear map of all steps and features of a node, with the same weights for all nodes.

        y[n] = Σ_t Σ_f x[t, n, f] W[t, f] + b

    x[t, n, f] is feature f of node n at step t. W[t, f] are `units` trainable weights, and b are
    `units` trainable biases. The layer computes a product for each step and adds the products. So
    it needs no copy of the signal that has the time and features axes side by side.

    Args:
        units: int. Number of outputs of a node.
        kernel_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: tensor (batch, time, nodes, features).

    Returns:
        Tensor (batch, nodes, units).

    Raises:
        ValueError: if `units` is below 1, or an axis of `x` other than the batch is unknown.
    """

    name_in_old_files = "Dense"

    def __init__(
        self,
        units: int,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)
        self.kernel_initializer = _checks.initializer("kernel_initializer", kernel_initializer)

    def build(self, x_shape: tuple) -> None:
        _checks.known_axes(x_shape)
        _, steps, _, features = x_shape
        self.kernel = self.add_weight(
            (steps * features, self.units), self.kernel_initializer, name="kernel"
        )
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def call(self, x: Tensor) -> Tensor:
        kernel = ops.reshape(self.kernel, (x.shape[1], x.shape[3], self.units))
        return ops.add(ops.sum(ops.matmul(x, kernel), axis=1), self.bias)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        return (x_shape[0], x_shape[2], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
