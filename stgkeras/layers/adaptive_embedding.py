from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class AdaptiveEmbedding(keras.layers.Layer):
    """Spatio-temporal adaptive embedding: appends a trainable vector of each step and node.

        y[t, n] = x[t, n] ‖ E[t, n]

    x[t, n] are the features of node n at step t of the window, E[t, n] is a trainable vector, the
    same for all windows, and ‖ is concatenation. The number of steps and of nodes is fixed.

    Args:
        units: int. Length of the vectors.

    Call arguments:
        x: tensor (batch, time, nodes, features).

    Returns:
        Tensor (batch, time, nodes, features + units).

    Raises:
        ValueError: if `units` is below 1, or `x` has other axes.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 12, 5, 3), "float32")
        >>> tuple(stgkeras.layers.AdaptiveEmbedding(80)(x).shape)
        (2, 12, 5, 83)

    Source:
        Liu et al., 2023, arXiv:2308.10425, section 4.1 (E_a). Departs from the paper: nowhere.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)

    def build(self, x_shape: tuple) -> None:
        _checks.signal(x_shape)
        shape = (*x_shape[1:3], self.units)
        self.embeddings = self.add_weight(shape, "glorot_uniform", name="embeddings")

    def call(self, x: Tensor) -> Tensor:
        vectors = ops.broadcast_to(self.embeddings, (ops.shape(x)[0], *self.embeddings.shape))
        return ops.concatenate([x, vectors], axis=-1)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        return (*x_shape[:-1], x_shape[-1] + self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
