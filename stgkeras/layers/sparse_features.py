from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class SparseFeatures(keras.layers.Layer):
    """Converts sparse features to a dense signal on the nodes.

        x[b, n, f] = Σ value[b, e] over all entries e with index[b, :, e] = (n, f)

    The sparse features of sample b are a list of entries: entry e has the number value[b, e], and
    index[b, :, e] is its node and its feature. All other values of x are 0.

    Args:
        num_nodes: int. Number of nodes.
        num_features: int. Number of features.

    Call arguments:
        entries: dict `{"index": (batch, 2, entries) int32, "value": (batch, entries)}`, from
            `graphs.stored_entries`.

    Returns:
        Tensor (batch, num_nodes, num_features).

    Raises:
        ValueError: if an argument is below 1, or the shapes do not fit each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> entries = {"index": np.array([[[0, 2], [1, 0]]]), "value": np.array([[1.0, 5.0]])}
        >>> x = stgkeras.layers.SparseFeatures(3, 2)(entries)
        >>> np.asarray(x)[0].tolist()
        [[0.0, 1.0], [0.0, 0.0], [5.0, 0.0]]
    """

    def __init__(self, num_nodes: int, num_features: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_features = _checks.integer("num_features", num_features)

    def build(self, entries_shape: dict[str, tuple]) -> None:
        index, value = tuple(entries_shape["index"]), tuple(entries_shape["value"])
        if len(index) != 3 or len(value) != 2 or index[1:] != (2, value[1]):
            raise ValueError(
                "`entries` must hold 'index' (batch, 2, entries) and 'value' (batch, entries). "
                f"Received: index.shape={index}, value.shape={value}. "
                "Use `stgkeras.graphs.stored_entries`."
            )

    def call(self, entries: dict[str, Tensor]) -> Tensor:
        size = self.num_nodes * self.num_features
        index = ops.cast(entries["index"], "int32")
        position = index[:, 0] * self.num_features + index[:, 1]  # (B, E)
        batch = ops.shape(position)[0]
        position = position + size * ops.arange(batch, dtype="int32")[:, None]
        value = ops.reshape(entries["value"], (-1,))
        flat = ops.segment_sum(value, ops.reshape(position, (-1,)), num_segments=batch * size)
        return ops.reshape(flat, (-1, self.num_nodes, self.num_features))

    def compute_output_shape(self, entries_shape: dict[str, tuple]) -> tuple:
        return (entries_shape["value"][0], self.num_nodes, self.num_features)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_nodes": self.num_nodes,
            "num_features": self.num_features,
        }
