from __future__ import annotations

from typing import Any

import keras
import numpy as np
import scipy.sparse

from stgkeras.layers import _checks
from stgkeras.layers._state import unset
from stgkeras.layers.static_graph import StaticGraph, as_operator
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class StaticTerms(StaticGraph):
    """Layer that stores a sparse graph and its Chebyshev terms, for attention on neighbourhoods.

        T_0 = I,  T_1 = L̃,  T_k = 2 L̃ T_{k-1} - T_{k-2}

    L̃ is the scaled Laplacian of the graph. The layer stores the entries of the K matrices T_k for
    all pairs of nodes within K - 1 hops; all other entries are 0. "additive" `SpatialAttention`
    then computes one number for each pair, and `ChebConv` uses these numbers, so that time and
    memory are linear in the number of pairs. The terms are saved with the weights.

    Args:
        num_nodes: int. Number of nodes N.
        K: int ≥ 1. Number of Chebyshev terms T_0 … T_{K-1}.
        graph: None, or the scaled Laplacian L̃, an (N, N) array or SciPy sparse matrix. The
            attribute `graph` can also be set later. Default None.
        num_edges: None, or int: the largest number of pairs E. With None, E is the number of pairs
            of `graph`. Default None.

    Call arguments:
        x: tensor of any shape. Its values are not used. A functional model needs an input tensor
            for each layer.

    Returns:
        `{"index": (2, E), "value": (E,), "terms": (K, E)}`: the pairs of nodes, and the entries of
        L̃ and of T_0 … T_{K-1} for these pairs.

    Raises:
        ValueError: in the cases of `StaticGraph`, and if neither `graph` nor `num_edges` is given.

    Example:
        >>> import scipy.sparse, numpy as np, stgkeras
        >>> path = scipy.sparse.diags_array([1.0, 1, 1], offsets=1, shape=(4, 4))
        >>> graph = stgkeras.graphs.scaled_laplacian(path + path.T, lambda_max=2.0)
        >>> layer = stgkeras.layers.StaticTerms(4, 3, graph=graph)
        >>> tuple(layer(np.ones((2, 12, 4, 1), "float32"))["terms"].shape)  # 4 + 2·3 + 2·2 pairs
        (3, 14)
    """

    def __init__(
        self,
        num_nodes: int,
        K: int,
        graph: Array | None = None,
        num_edges: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.K = _checks.integer("K", K)
        if num_edges is None:
            if graph is None:
                raise ValueError(
                    "`num_edges` must be given without a `graph`. Received: num_edges=None. "
                    "Pass `graph` or `num_edges`."
                )
            num_edges = len(self._support(graph)[0].data)
        super().__init__(num_nodes, num_edges=num_edges, **kwargs)
        if graph is not None:
            self._begin_with(graph)

    def _add_variables(self):
        super()._add_variables()
        shape = (self.K, self.num_edges)
        self._terms = self.add_weight(shape, unset(), trainable=False, name="terms")

    def _support(self, graph):
        """Returns the operator and the terms, with an entry for each pair within K - 1 hops.

        An entry of the operator may be 0.
        """
        graph = as_operator(graph)
        if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
            raise ValueError(f"`graph` must be square. Received: graph.shape={graph.shape}")
        graph = scipy.sparse.csr_array(graph, dtype="float64")
        terms = [scipy.sparse.eye_array(graph.shape[0], format="csr"), graph]
        while len(terms) < self.K:
            terms.append(2.0 * (graph @ terms[-1]) - terms[-2])
        # The operator is T_1. Its pairs of nodes must be stored even if K = 1.
        reached = sum(abs(term) for term in terms)
        reached.eliminate_zeros()
        pairs = reached.tocoo().coords
        held = [np.asarray(term[pairs]).ravel() for term in terms]
        return scipy.sparse.coo_array((held[1], pairs), graph.shape), np.stack(held[: self.K])

    def _set_graph(self, graph):
        support, terms = self._support(self._check(graph))
        super()._set_graph(support)
        self._terms.assign(np.pad(terms, ((0, 0), (0, self.num_edges - terms.shape[1]))))

    def load_own_variables(self, store: Any) -> None:
        if len(store) == 2:
            raise ValueError(
                "The file must hold the Chebyshev terms of the sparse graph. Received: a file of "
                "an older version, without these terms. Create the model with `graph=`, a SciPy "
                "sparse matrix, and train it, or open the file with the version that wrote it."
            )
        super().load_own_variables(store)

    def matrices(self, values: Array) -> list[scipy.sparse.csr_array]:
        """Returns the attention of pairs of nodes as matrices, one for each sample.

        Args:
            values: array (batch, E), one number for each pair, from `SpatialAttention`.

        Returns:
            List of SciPy csr_arrays (N, N).
        """
        index = keras.ops.convert_to_numpy(self._index)
        kept = keras.ops.convert_to_numpy(self._terms).any(axis=0)  # the other entries are unused
        return [
            scipy.sparse.csr_array((row[kept], tuple(index[:, kept])), shape=self._shape)
            for row in np.asarray(values)
        ]

    def call(self, x: Tensor) -> Tensor:
        return {**super().call(x), "terms": self.read(self._terms)}

    def compute_output_spec(self, x: Tensor) -> dict[str, keras.KerasTensor]:
        terms = keras.KerasTensor((self.K, self.num_edges), self.compute_dtype)
        return {**super().compute_output_spec(x), "terms": terms}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "K": self.K}
