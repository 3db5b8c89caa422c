from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from stgkeras.kernels import layer_normalization
from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class CenteredLayerNormalization(keras.layers.LayerNormalization):
    """Layer normalisation that subtracts the mean before it divides.

        y = γ (x - mean) / √(var + ε) + β

    mean and var are the mean and the variance of x over the normalised axes. γ and β are the
    trainable scale and offset, and ε is a small constant.

    `keras.layers.LayerNormalization` has the same formula. On TensorFlow and JAX, however, it
    computes x · s - mean · s, with s = γ / √(var + ε). If the mean is much larger than the standard
    deviation, this formula has rounding errors: in a deep model, the gradients are five times less
    accurate.

    Args:
        axis: int or tuple. The axes to normalise, which must be the last ones: -1 for the features,
            (-2, -1) for nodes and features together. Default -1.
        epsilon: float ≥ 0. The constant ε. Default 0.001.
        **kwargs: other arguments of `keras.layers.LayerNormalization`.

    Call arguments:
        inputs: tensor (..., features) or (..., nodes, features).

    Returns:
        A tensor of the shape of `inputs`.

    Raises:
        ValueError: if the axes are not the last ones, or `epsilon` is negative.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.CenteredLayerNormalization(axis=(-2, -1))
        >>> tuple(layer(np.ones((2, 12, 5, 3), "float32")).shape)
        (2, 12, 5, 3)

    Source:
        Ba et al., 2016, arXiv:1607.06450, eq. 3. Departs from the paper: nowhere.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-3, **kwargs: Any
    ) -> None:
        epsilon = _checks.number("epsilon", epsilon, 0)
        if isinstance(axis, (list, tuple)) and axis:
            axis = [_checks.integer("axis", one, minimum=-2) for one in axis]
        else:
            axis = _checks.integer("axis", axis, minimum=-2)
        super().__init__(axis, epsilon=epsilon, **kwargs)
        # Number of the first nodes that alone determine mean and variance. None: all nodes.
        self.first_nodes: int | None = None

    def build(self, input_shape: tuple) -> None:
        rank = len(input_shape)
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        if sorted(axis % rank for axis in axes) != list(range(rank - len(axes), rank)):
            raise ValueError(
                "`axis` must be the last axis or axes, such as -1 or (-2, -1). "
                f"Received: axis={self.axis} for inputs of shape {tuple(input_shape)}"
            )
        super().build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if self.first_nodes is not None:
            return self._by_first_nodes(inputs)
        if keras.backend.backend() == "torch":  # PyTorch has a kernel that is exact, and faster
            return super().call(inputs)
        gamma, beta = self.gamma if self.scale else None, self.beta if self.center else None
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        y = layer_normalization(inputs, axes, gamma, beta, self.epsilon, training)
        return ops.cast(y, self.compute_dtype)

    def _by_first_nodes(self, inputs):
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        first = slice(self.first_nodes)
        x = x - ops.mean(x[..., first, :], (-2, -1), keepdims=True)
        variance = ops.mean(ops.square(x[..., first, :]), (-2, -1), keepdims=True)
        y = x * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta
        return ops.cast(y, self.compute_dtype)
