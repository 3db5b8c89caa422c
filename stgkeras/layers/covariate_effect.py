from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class CovariateEffect(keras.layers.Layer):
    """Adds the effect of covariates that are known ahead to a forecast.

        u[n] = W (c[1, n] ‖ … ‖ c[H, n] ‖ e[n])          all steps, for leads and lags
        h[t, n] = ReLU(u[n, t] + V (c[t, n] ‖ y[t, n]))   the step itself, and its forecast
        result = y + Z h + S c

    y[t, n] is the forecast of step t and node n, c[t, n] its covariates, e[n] a trainable vector of
    the node, and ‖ is concatenation. W, V, Z and S are trainable, with constants. S alone is a
    linear regression on the covariates. Z and S start at 0, so that an untrained layer changes
    nothing.

    Args:
        units: int. Length of h. Default 16.
        node_units: int. Length of e. Default 8.

    Call arguments:
        y: tensor (batch, horizon, nodes, outputs).
        covariates: tensor (batch, horizon, nodes, C).

    Returns:
        Tensor of the shape of `y`.

    Raises:
        ValueError: if an argument is below 1, or the shapes do not fit each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> y, rain = np.ones((2, 3, 5, 1), "float32"), np.ones((2, 3, 5, 2), "float32")
        >>> tuple(stgkeras.layers.CovariateEffect()(y, rain).shape)
        (2, 3, 5, 1)

    Source:
        Of this library. Lim et al., 2021, arXiv:1912.09363 (Temporal fusion transformer), also
        combine known future inputs with the forecast of each step.
    """

    def __init__(self, units: int = 16, node_units: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)
        self.node_units = _checks.integer("node_units", node_units)

    def build(self, y_shape: tuple, covariates_shape: tuple) -> None:
        self._check(y_shape, covariates_shape)
        _, horizon, nodes, outputs = y_shape
        count, units = covariates_shape[-1], self.units
        length = horizon * count + self.node_units
        self.embeddings = self.add_weight((nodes, self.node_units), name="embeddings")
        self.steps_kernel = self.add_weight((length, horizon * units), name="steps_kernel")
        self.steps_bias = self.add_weight((horizon * units,), "zeros", name="steps_bias")
        self.step_kernel = self.add_weight((count + outputs, units), name="step_kernel")
        self.effect_kernel = self.add_weight((units, outputs), "zeros", name="effect_kernel")
        self.effect_bias = self.add_weight((outputs,), "zeros", name="effect_bias")
        self.linear_kernel = self.add_weight((count, outputs), "zeros", name="linear_kernel")

    def call(self, y: Tensor, covariates: Tensor) -> Tensor:
        _, horizon, nodes, count = covariates.shape
        batch = ops.shape(covariates)[0]
        flat = ops.reshape(ops.transpose(covariates, (0, 2, 1, 3)), (-1, nodes, horizon * count))
        vectors = ops.broadcast_to(self.embeddings, (batch, nodes, self.node_units))
        steps = ops.matmul(ops.concatenate([flat, vectors], axis=-1), self.steps_kernel)
        steps = ops.reshape(steps + self.steps_bias, (-1, nodes, horizon, self.units))
        own = ops.matmul(ops.concatenate([covariates, y], axis=-1), self.step_kernel)
        hidden = ops.relu(ops.transpose(steps, (0, 2, 1, 3)) + own)
        effect = ops.matmul(hidden, self.effect_kernel) + self.effect_bias
        return y + effect + ops.matmul(covariates, self.linear_kernel)

    def compute_output_shape(self, y_shape: tuple, covariates_shape: tuple) -> tuple:
        self._check(y_shape, covariates_shape)
        return y_shape

    def _check(self, y_shape, covariates_shape):
        _checks.signal(y_shape, "(batch, horizon, nodes, outputs)")
        if len(covariates_shape) != 4 or covariates_shape[1:3] != y_shape[1:3]:
            raise ValueError(
                "`covariates` must have axes (batch, horizon, nodes, covariates), with the horizon "
                f"and nodes of `y`. Received: y.shape={tuple(y_shape)}, covariates.shape="
                f"{tuple(covariates_shape)}"
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "node_units": self.node_units}
