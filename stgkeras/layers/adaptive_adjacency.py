from __future__ import annotations

from typing import Any

import keras
from keras import initializers, ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class AdaptiveAdjacency(keras.layers.Layer):
    """Adjacency matrix that is learned together with the model.

        A = softmax(relu(E_1 E_2ᵀ))

    E_1 and E_2 are trainable matrices (nodes, units) with one row for each node. The softmax is
    over each row, so that the rows of A sum to 1. A[n, m] is the weight of the edge from node m to
    node n. A does not depend on the values of `x`.

    Args:
        units: int. Number of columns of E_1 and E_2.
        embeddings_initializer: as in `keras.layers.Embedding`, for E_1 and E_2.

    Call arguments:
        x: tensor (..., nodes, features). Only the number of nodes is used.

    Returns:
        Tensor (nodes, nodes), the matrix A, a graph operator.

    Raises:
        ValueError: if `units` is below 1.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 5, 3), "float32")
        >>> tuple(stgkeras.layers.AdaptiveAdjacency(10)(x).shape)
        (5, 5)

    Source:
        Wu et al., 2019, arXiv:1906.00121, eq. 5. The paper's released code multiplies by the
        transposed of A, as `models.GraphWaveNet` does.
    """

    def __init__(
        self,
        units: int,
        embeddings_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)
        self.embeddings_initializer = _checks.initializer(
            "embeddings_initializer", embeddings_initializer
        )

    def build(self, x_shape: tuple) -> None:
        _checks.signal(x_shape, "(..., nodes, features)")
        shape, start = (x_shape[-2], self.units), self.embeddings_initializer
        self.source = self.add_weight(shape, start, name="source")
        # An initializer draws the same numbers each time, its clone draws others.
        self.target = self.add_weight(
            shape, getattr(start, "clone", lambda: start)(), name="target"
        )

    def call(self, x: Tensor) -> Tensor:
        scores = ops.matmul(self.source, ops.transpose(self.target))
        return ops.softmax(ops.relu(scores), axis=-1)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        return (x_shape[-2], x_shape[-2])

    def get_config(self) -> dict[str, Any]:
        start = initializers.serialize(self.embeddings_initializer)
        return {**super().get_config(), "units": self.units, "embeddings_initializer": start}
