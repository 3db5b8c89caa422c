from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class NodeEmbedding(keras.layers.Layer):
    """Node embedding: appends a trainable vector to the features of each node.

        y[n] = x[n] ‖ e[n]

    x[n] are the features of node n, e[n] is the trainable vector of node n, the same for all
    samples, and ‖ is concatenation.

    Args:
        units: int. Length of the vector.

    Call arguments:
        x: tensor (batch, nodes, features) or (batch, time, nodes, features).

    Returns:
        Tensor of the axes of `x`, with features + units features.

    Raises:
        ValueError: if `units` is below 1, or `x` has other axes.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 5, 3), "float32")
        >>> tuple(stgkeras.layers.NodeEmbedding(16)(x).shape)
        (2, 5, 19)

    Source:
        Shao et al., 2022, arXiv:2208.05233, the spatial identity.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)

    def build(self, x_shape: tuple) -> None:
        axes = "(batch, nodes, features)"
        _checks.signal(x_shape, axes if len(x_shape) < 4 else "(batch, time, nodes, features)")
        self.embeddings = self.add_weight(
            (x_shape[-2], self.units), "glorot_uniform", name="embeddings"
        )

    def call(self, x: Tensor) -> Tensor:
        leading = (ops.shape(x)[0], *x.shape[1:-2])
        vectors = ops.broadcast_to(self.embeddings, (*leading, *self.embeddings.shape))
        return ops.concatenate([x, vectors], axis=-1)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        return (*x_shape[:-1], x_shape[-1] + self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
