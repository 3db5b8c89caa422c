from __future__ import annotations

from typing import Any

import keras

from stgkeras.kernels import gated_experts
from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class MixtureOfExperts(keras.layers.Layer):
    """Dense mixture of experts: a weighted sum of gated linear units.

        y = Σ_e r_e (x V_e + b_e) ⊙ σ(x G_e + c_e)

    Each expert e is a gated linear unit, with trainable matrices V_e and G_e and constants b_e and
    c_e. σ is the logistic function and r the weights that a router gives to the experts. All
    experts are computed for all nodes.

    Args:
        units: int. Number of output features.
        num_experts: int. Number of experts.

    Call arguments:
        x: tensor (batch, ..., features).
        routing: tensor (batch, ..., num_experts), the weights r. None with a single expert, whose
            weight is 1.

    Returns:
        Tensor (batch, ..., units).

    Raises:
        ValueError: if an argument is below 1, or `routing` does not fit `x` and `num_experts`.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> x, scores = np.ones((2, 5, 3), "float32"), np.ones((2, 5, 8), "float32")
        >>> y = stgkeras.layers.MixtureOfExperts(16, 8)(x, keras.ops.softmax(scores))
        >>> tuple(y.shape)
        (2, 5, 16)

    Source:
        Zhao et al., 2026, arXiv:2601.05174 (FaST), the mixture of gated linear units; Dauphin et
        al., 2017, arXiv:1612.08083, eq. 1 (one gated linear unit). Departs from the papers:
        nowhere. With one expert the released code has a router, whose only weight is always 1.
    """

    def __init__(self, units: int, num_experts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)
        self.num_experts = _checks.integer("num_experts", num_experts)

    def build(self, x_shape: tuple, routing_shape: tuple | None = None) -> None:
        self._check(x_shape, routing_shape)
        size = 2 * self.num_experts * self.units
        # The rule of a single expert: with that of the whole matrix, many experts would start low.
        start = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.kernel = self.add_weight((x_shape[-1], size), start, name="kernel")
        self.bias = self.add_weight((size,), "zeros", name="bias")

    def call(self, x: Tensor, routing: Tensor | None = None) -> Tensor:
        self._check(x.shape, None if routing is None else routing.shape)
        return gated_experts(x, self.kernel, self.bias, routing if self.num_experts > 1 else None)

    def compute_output_shape(self, x_shape: tuple, routing_shape: tuple | None = None) -> tuple:
        self._check(x_shape, routing_shape)
        return (*x_shape[:-1], self.units)

    def _check(self, x_shape, routing_shape):
        if len(x_shape) < 2 or x_shape[-1] is None:
            raise ValueError(
                "`x` must have axes (batch, ..., features) with a known number of features. "
                f"Received: x.shape={tuple(x_shape)}"
            )
        shape = None if routing_shape is None else tuple(routing_shape)
        wanted = None if self.num_experts == 1 else (*x_shape[1:-1], self.num_experts)
        if wanted != (None if shape is None else shape[1:]):
            fix = "Omit it for a single expert" if self.num_experts == 1 else "Pass the weights"
            raise ValueError(
                f"`routing` must have axes (batch, ..., {self.num_experts} experts), with the "
                f"leading axes of `x`, and be None for one expert. Received: x.shape="
                f"{tuple(x_shape)}, routing.shape={shape}. {fix}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "num_experts": self.num_experts}
