from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class GraphPooling(keras.layers.Layer):
    """Pooling over clusters of nodes: reduces each cluster to one node.

        y[c] = maximum or mean of x[n] over the nodes n in the list of cluster c

    y[c] are the features of cluster c, and x[n] are the features of node n. A node that the list
    repeats counts several times in the mean.

    Args:
        pooling: str. "max" or "average". Default "max".

    Call arguments:
        x: tensor (..., nodes, features).
        clusters: int tensor (clusters, pool size) from `graphs.coarsen`. Row c lists the nodes of
            cluster c; the list of a small cluster repeats nodes.

    Returns:
        Tensor (..., clusters, features).

    Raises:
        ValueError: if `pooling` is not one of the two, or `clusters` is not a matrix.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.array([[1.0], [3.0], [2.0]], "float32")
        >>> y = stgkeras.layers.GraphPooling()(x, np.array([[0, 1], [2, 2]]))
        >>> [float(value) for value in y[:, 0]]
        [3.0, 2.0]

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, section 2.3. Departs from the paper: the paper
        fills small clusters with fake nodes, which also take part in the convolutions, and sorts
        the nodes of the whole graph by cluster. Here the list of a small cluster repeats its nodes,
        which does not change a maximum, and only this layer sorts the nodes.
    """

    def __init__(self, pooling: str = "max", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = _checks.one_of("pooling", pooling, ("max", "average"))

    def build(self, x_shape: tuple, clusters_shape: tuple) -> None:
        _checks.signal(x_shape, "(..., nodes, features)")
        if len(clusters_shape) != 2:
            raise ValueError(
                "`clusters` must have axes (clusters, pool size). "
                f"Received: clusters.shape={tuple(clusters_shape)}. "
                "Use one entry of `stgkeras.graphs.coarsen(…).clusters`."
            )

    def call(self, x: Tensor, clusters: Tensor) -> Tensor:
        members = ops.take(x, clusters, axis=-2)  # (..., clusters, pool size, F)
        return ops.max(members, axis=-2) if self.pooling == "max" else ops.mean(members, axis=-2)

    def compute_output_shape(self, x_shape: tuple, clusters_shape: tuple) -> tuple:
        return (*x_shape[:-2], clusters_shape[0], x_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pooling": self.pooling}
