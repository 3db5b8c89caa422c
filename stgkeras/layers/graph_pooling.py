import keras
from keras import ops

from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class GraphPooling(keras.layers.Layer):
    """Pools over clusters of nodes: a 1-D pooling of the nodes, put in the order of the clusters.

        y_c = max or mean of x_n over the nodes n of cluster c, as often as they are listed

    Args:
        pooling: "max" or "average".

    Call arguments:
        x: (..., nodes, features).
        clusters: (clusters, pool size) integers, the nodes of each cluster, from
            `graphs.coarsen`; small clusters list nodes again.

    Returns:
        (..., clusters, features).

    Raises:
        ValueError: if `pooling` is neither of the two, or `clusters` is no matrix.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.array([[1.0], [3.0], [2.0]], "float32")
        >>> y = stgkeras.layers.GraphPooling()(x, np.array([[0, 1], [2, 2]]))
        >>> [float(value) for value in y[:, 0]]
        [3.0, 2.0]

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, section 2.3. Departs from the paper: where it
        fills small clusters with fake nodes that take part in the convolutions, nodes of the
        cluster are listed again, which leaves a maximum as it is whatever the bias; and nodes are
        put in order where they are pooled, so that a graph holds real nodes alone.
    """

    def __init__(self, pooling="max", **kwargs):
        super().__init__(**kwargs)
        self.pooling = _checks.one_of("pooling", pooling, ("max", "average"))

    def build(self, x_shape, clusters_shape):
        _checks.signal(x_shape, "(..., nodes, features)")
        if len(clusters_shape) != 2:
            raise ValueError(
                "`clusters` must have axes (clusters, pool size). "
                f"Received: clusters.shape={tuple(clusters_shape)}"
            )

    def call(self, x, clusters):
        members = ops.take(x, clusters, axis=-2)  # (..., clusters, pool size, F)
        return ops.max(members, axis=-2) if self.pooling == "max" else ops.mean(members, axis=-2)

    def compute_output_shape(self, x_shape, clusters_shape):
        return (*x_shape[:-2], clusters_shape[0], x_shape[-1])

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling}
