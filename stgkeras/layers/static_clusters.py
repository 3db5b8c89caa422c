from __future__ import annotations

from typing import Any

import keras
import numpy as np

from stgkeras.layers import _checks
from stgkeras.layers._state import UNSET_INDEX, StateLayer, unset
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class StaticClusters(StateLayer):
    """Layer that stores clusters of nodes for `GraphPooling` and saves them with the weights.

    Args:
        num_clusters: int. Number of clusters.
        pool_size: int. Number of nodes in the list of each cluster.
        clusters: None, or int array (num_clusters, pool_size), one entry of
            `graphs.coarsen(…).clusters`. Row c lists the nodes of cluster c. The attribute
            `clusters` can also be set later. Default None.

    Call arguments:
        x: tensor of any shape. Its values are not used. A functional model needs an input tensor
            for each layer.

    Returns:
        int32 tensor (num_clusters, pool_size), the clusters.

    Raises:
        ValueError: if the clusters are not non-negative integers of this shape; in a call, if the
            clusters were never set.

    Example:
        >>> import stgkeras
        >>> stgkeras.layers.StaticClusters(2, 2, [[0, 1], [2, 2]]).clusters.tolist()
        [[0, 1], [2, 2]]
    """

    _what = "`clusters`"
    _remedy = "Set `model.clusters = …` or `layer.clusters = …`"

    def __init__(
        self, num_clusters: int, pool_size: int, clusters: Array | None = None, **kwargs: Any
    ) -> None:
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
    def clusters(self) -> np.ndarray:
        """Int32 array (num_clusters, pool_size). Row c lists the nodes of cluster c."""
        return keras.ops.convert_to_numpy(self._index.value)

    @clusters.setter
    def clusters(self, clusters: Array) -> None:
        self._index.assign(self.checked(clusters))

    def checked(self, clusters: Array) -> np.ndarray:
        """Returns clusters as an array. Raises ValueError for other shapes and entries."""
        shape = (self.num_clusters, self.pool_size)
        must = f"`clusters` must hold integers from 0, of shape {shape}"
        fix = "Use one entry of `stgkeras.graphs.coarsen(…).clusters`."
        try:
            clusters = np.array(clusters)
        except ValueError as error:  # lists of different lengths
            raise ValueError(f"{must}. Received: {error}. {fix}") from error
        if clusters.shape != shape or clusters.dtype.kind not in "iu":
            received = f"shape {clusters.shape}, dtype {clusters.dtype}"
            raise ValueError(f"{must}. Received: {received}. {fix}")
        for entry in (clusters.min(), clusters.max()):
            if not 0 <= entry < UNSET_INDEX:
                raise ValueError(f"{must}. Received: the integer {entry}. {fix}")
        return clusters

    def call(self, x: Tensor) -> Tensor:
        return self.read(self._index)

    def compute_output_spec(self, x: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor((self.num_clusters, self.pool_size), "int32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "pool_size": self.pool_size,
        }
