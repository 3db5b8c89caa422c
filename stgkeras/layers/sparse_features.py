import keras
from keras import ops

from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class SparseFeatures(keras.layers.Layer):
    """Turns the stored entries of sparse features into a signal on nodes.

        x[b, n, f] = Σ_e value[b, e] where index[b, :, e] = (n, f)

    Args:
        num_nodes: int. Number of nodes N.
        num_features: int. Number of features F.

    Call arguments:
        entries: {"index": (batch, 2, entries) int32, nodes and features; "value": (batch,
            entries)}, see `graphs.stored_entries`.

    Returns:
        (batch, num_nodes, num_features).

    Raises:
        ValueError: if a number is below 1, or the shapes do not fit each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> entries = {"index": np.array([[[0, 2], [1, 0]]]), "value": np.array([[1.0, 5.0]])}
        >>> x = stgkeras.layers.SparseFeatures(3, 2)(entries)
        >>> np.asarray(x)[0].tolist()
        [[0.0, 1.0], [0.0, 0.0], [5.0, 0.0]]
    """

    def __init__(self, num_nodes, num_features, **kwargs):
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_features = _checks.integer("num_features", num_features)

    def build(self, entries_shape):
        index, value = tuple(entries_shape["index"]), tuple(entries_shape["value"])
        if len(index) != 3 or len(value) != 2 or index[1:] != (2, value[1]):
            raise ValueError(
                "`entries` must hold 'index' (batch, 2, entries) and 'value' (batch, entries). "
                f"Received: index.shape={index}, value.shape={value}"
            )

    def call(self, entries):
        size = self.num_nodes * self.num_features
        index = ops.cast(entries["index"], "int32")
        position = index[:, 0] * self.num_features + index[:, 1]  # (B, E)
        batch = ops.shape(position)[0]
        position = position + size * ops.arange(batch, dtype="int32")[:, None]
        value = ops.reshape(entries["value"], (-1,))
        flat = ops.segment_sum(value, ops.reshape(position, (-1,)), num_segments=batch * size)
        return ops.reshape(flat, (-1, self.num_nodes, self.num_features))

    def compute_output_shape(self, entries_shape):
        return (entries_shape["value"][0], self.num_nodes, self.num_features)

    def get_config(self):
        return {
            **super().get_config(),
            "num_nodes": self.num_nodes,
            "num_features": self.num_features,
        }
