import keras
import numpy as np
import scipy.sparse

from stgkeras.layers import _checks
from stgkeras.layers._state import unset
from stgkeras.layers.static_graph import StaticGraph


@keras.saving.register_keras_serializable("stgkeras")
class StaticTerms(StaticGraph):
    """Holds the Chebyshev terms of a sparse graph on the pairs of nodes within K - 1 hops.

    For attention over the neighbourhoods of `ChebConv`, whose cost is then linear in the number of
    these pairs: "additive" `SpatialAttention` gives one number for each of them.

    Args:
        num_nodes: int. Number of nodes N.
        K: int ≥ 1. Number of terms T_0 … T_{K-1}.
        graph: None, or the scaled Laplacian, an (N, N) array or scipy sparse matrix. Kept as the
            attribute `graph`, which can be read and set.
        num_edges: None, or the number of entries E there is room for; None takes the number of
            pairs of `graph`.

    Call arguments:
        x: any tensor; it only ties the layer into a functional model.

    Returns:
        `{"index": (2, E), "value": (E,), "terms": (K, E)}`: the pairs, the operator and the terms
        on them.

    Raises:
        ValueError: as `StaticGraph`; if neither `graph` nor `num_edges` is given.

    Example:
        >>> import scipy.sparse, numpy as np, stgkeras
        >>> path = scipy.sparse.diags_array([1.0, 1, 1], offsets=1, shape=(4, 4))
        >>> graph = stgkeras.graphs.scaled_laplacian(path + path.T, lambda_max=2.0)
        >>> layer = stgkeras.layers.StaticTerms(4, 3, graph=graph)
        >>> tuple(layer(np.ones((2, 12, 4, 1), "float32"))["terms"].shape)  # 4 + 2·3 + 2·2 pairs
        (3, 14)
    """

    def __init__(self, num_nodes, K, graph=None, num_edges=None, **kwargs):
        self.K = _checks.integer("K", K)
        if num_edges is None:
            if graph is None:
                raise ValueError("`num_edges` must be given without a `graph`. Received: None")
            num_edges = len(self._support(graph)[0].data)
        super().__init__(num_nodes, num_edges=num_edges, **kwargs)
        if graph is not None:
            self._begin_with(graph)

    def _add_variables(self):
        super()._add_variables()
        shape = (self.K, self.num_edges)
        self._terms = self.add_weight(shape, unset(), trainable=False, name="terms")

    def _support(self, graph):
        """The operator with an entry, if zero, for each pair within K - 1 hops; and the terms."""
        graph = scipy.sparse.csr_array(graph, dtype="float64")
        if graph.shape[0] != graph.shape[1]:
            raise ValueError(f"`graph` must be square. Received: graph.shape={graph.shape}")
        terms = [scipy.sparse.eye_array(graph.shape[0], format="csr"), graph]
        while len(terms) < self.K:
            terms.append(2.0 * (graph @ terms[-1]) - terms[-2])
        # T_1 is held whatever K, since it is the operator itself.
        reached = sum(abs(term) for term in terms)
        reached.eliminate_zeros()
        pairs = reached.tocoo().coords
        held = [np.asarray(term[pairs]).ravel() for term in terms]
        return scipy.sparse.coo_array((held[1], pairs), graph.shape), np.stack(held[: self.K])

    @StaticGraph.graph.setter
    def graph(self, graph):
        self._check(graph)
        support, terms = self._support(graph)
        StaticGraph.graph.fset(self, support)
        self._terms.assign(np.pad(terms, ((0, 0), (0, self.num_edges - terms.shape[1]))))

    def load_own_variables(self, store):
        if len(store) == 2:
            raise ValueError(
                "The file comes from an older version: its sparse graph, which attention weighs, "
                "holds no Chebyshev terms. Build the model anew with `graph=`, a scipy sparse "
                "matrix, and train it, or open the file with the version that wrote it."
            )
        super().load_own_variables(store)

    def matrices(self, values):
        """The (N, N) scipy csr_array of each row of `values` (batch, E), numbers of the pairs."""
        index = keras.ops.convert_to_numpy(self._index)
        kept = keras.ops.convert_to_numpy(self._terms).any(axis=0)  # the rest is empty room
        return [
            scipy.sparse.csr_array((row[kept], tuple(index[:, kept])), shape=self._shape)
            for row in np.asarray(values)
        ]

    def call(self, x):
        return {**super().call(x), "terms": self.read(self._terms)}

    def compute_output_spec(self, x):
        terms = keras.KerasTensor((self.K, self.num_edges), self.compute_dtype)
        return {**super().compute_output_spec(x), "terms": terms}

    def get_config(self):
        return {**super().get_config(), "K": self.K}
