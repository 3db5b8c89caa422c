from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class ReversibleNormalization(keras.layers.Layer):
    """Normalisation of each window, and its inverse for forecasts from the window.

        m[n] = Σ_t x[t, n] / T,    s[n]² = Σ_t (x[t, n] - m[n])² / (T - 1) + ε
        z[t, n] = (x[t, n] - m[n]) / s[n]
        with y: result[t, n] = y[t, n] s[n] + m[n]

    Mean m and deviation s are those of each sample, node and feature over the T steps of the
    window. A feature that does not change in the window becomes 0. The layer has no weights.

    Args:
        targets: None, or a sequence of ints: the features of `x` that `y` has, counted from 0. None
            means the first ones. Default None.
        epsilon: float ≥ 0. The constant ε. Default 1e-5.

    Call arguments:
        x: tensor (batch, time, nodes, features), the window.
        y: None, or tensor (batch, horizon, nodes, outputs), a forecast in units of the window.

    Returns:
        z, a tensor of the shape of `x`; with `y`, the forecast in the units of `x`.

    Raises:
        ValueError: if an argument is invalid, or the shapes do not fit each other.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> layer = stgkeras.layers.ReversibleNormalization(epsilon=0.0)
        >>> z = layer(np.array([1.0, 2.0, 3.0], "float32").reshape(1, 3, 1, 1))
        >>> keras.ops.convert_to_numpy(z).ravel().tolist()
        [-1.0, 0.0, 1.0]

    Source:
        Kim et al., 2022, Reversible instance normalization, ICLR, without the trainable scale; as
        in Zhao et al., 2026, arXiv:2601.05174 (FaST), with T - 1 in the variance. A window of one
        step has the variance 0.
    """

    def __init__(
        self, targets: Sequence[int] | None = None, epsilon: float = 1e-5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if targets is not None:
            given = _checks.sequence("targets", targets)
            targets = tuple(_checks.integer("targets", one, 0) for one in given)
            if not targets or len(set(targets)) < len(targets):
                raise ValueError(
                    "`targets` must be None, or at least one feature, each once. Received: targets="
                    f"{targets}. Give the positions of the features of `y`, counted from 0."
                )
        self.targets = targets
        self.epsilon = _checks.number("epsilon", epsilon, 0)

    def call(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        self._check(x.shape, None if y is None else y.shape)
        mean = ops.mean(x, axis=1, keepdims=True)
        centered = x - mean
        squares = ops.sum(ops.square(centered), axis=1, keepdims=True)
        deviation = ops.sqrt(squares / max(x.shape[1] - 1, 1) + self.epsilon)
        if y is None:
            return centered / deviation
        if self.targets is not None:
            mean, deviation = (ops.take(part, self.targets, axis=-1) for part in (mean, deviation))
        outputs = y.shape[-1]
        return y * deviation[..., :outputs] + mean[..., :outputs]

    def compute_output_shape(self, x_shape: tuple, y_shape: tuple | None = None) -> tuple:
        self._check(x_shape, y_shape)
        return x_shape if y_shape is None else y_shape

    def _check(self, x_shape, y_shape):
        _checks.known_axes(x_shape)
        _checks.targets(self.targets, x_shape[-1])
        if y_shape is None:
            return
        features = x_shape[-1] if self.targets is None else len(self.targets)
        outputs = y_shape[-1] if len(y_shape) == 4 else None
        fits = outputs == features if self.targets is not None else (outputs or 0) <= features
        if not outputs or not fits or y_shape[2] != x_shape[2]:
            raise ValueError(
                "`y` must have axes (batch, horizon, nodes, outputs), with the nodes of `x` and "
                f"its features targets={self.targets}. Received: x.shape={tuple(x_shape)}, "
                f"y.shape={tuple(y_shape)}"
            )

    def get_config(self) -> dict[str, Any]:
        targets = None if self.targets is None else list(self.targets)
        return {**super().get_config(), "targets": targets, "epsilon": self.epsilon}
