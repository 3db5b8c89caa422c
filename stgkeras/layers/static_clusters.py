import keras
import numpy as np

from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset


@keras.saving.register_keras_serializable("stgkeras")
class StaticClusters(StateLayer):
    """Holds the clusters that a model pools over, as state that travels with the weights.

    Args:
        num_clusters: int. Number of clusters M.
        pool_size: int. Number of nodes listed a cluster, p.
        clusters: None, or the (M, p) integers of `graphs.coarsen`. Kept as the attribute
            `clusters`, which can be read and set.

    Call arguments:
        x: any tensor; it only ties the layer into a functional model.

    Returns:
        The clusters, (M, p) int32.

    Raises:
        ValueError: if the clusters are not (M, p) non-negative integers; in a call, if they were
            never set.

    Example:
        >>> import stgkeras
        >>> stgkeras.layers.StaticClusters(2, 2, [[0, 1], [2, 2]]).clusters.tolist()
        [[0, 1], [2, 2]]
    """

    _what = "`clusters`"
    _remedy = "set `model.clusters = …`, or `layer.clusters = …`"

    def __init__(self, num_clusters, pool_size, clusters=None, **kwargs):
        super().__init__(**kwargs)
        self.num_clusters = _checks.integer("num_clusters", num_clusters)
        self.pool_size = _checks.integer("pool_size", pool_size)
        self._index = self.add_weight(
            (self.num_clusters, self.pool_size),
            unset("int32"),
            dtype="int32",
            trainable=False,
            name="index",
        )
        self.built = True
        if clusters is not None:
            self.clusters = clusters

    def _first_variable(self):
        return self._index

    @property
    def clusters(self):
        """The clusters as an array (M, p)."""
        return keras.ops.convert_to_numpy(self._index.value)

    @clusters.setter
    def clusters(self, clusters):
        clusters = np.array(clusters)
        shape = (self.num_clusters, self.pool_size)
        must = f"`clusters` must hold integers from 0, of shape {shape}; see `graphs.coarsen`"
        if clusters.shape != shape or clusters.dtype.kind not in "iu":
            raise ValueError(f"{must}. Received: shape {clusters.shape}, dtype {clusters.dtype}")
        if clusters.min() < 0:
            raise ValueError(f"{must}. Received: {clusters.min()} among them")
        self._index.assign(clusters)

    def call(self, x):
        return self.read(self._index)

    def compute_output_spec(self, x):
        return keras.KerasTensor((self.num_clusters, self.pool_size), "int32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "pool_size": self.pool_size,
        }
