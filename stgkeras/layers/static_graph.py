from __future__ import annotations

import weakref
from typing import Any

import keras
import numpy as np
import scipy.sparse

from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class StaticGraph(StateLayer):
    """Layer that stores a graph operator and saves it with the weights of the model.

    The config stores only the size of the graph. A layer that is created from a config has no graph
    until weights are loaded or `graph` is set. Until then, a call raises ValueError. While JAX
    traces a call, as in `fit` and `predict` of a plain `keras.Model`, the layer cannot raise an
    error, and returns NaN.

    Args:
        num_nodes: int. Number of nodes N.
        graph: None, or the operator, an (N, N) array or SciPy sparse matrix. graph[n, m] is the
            weight of the edge from node m to node n. The attribute `graph` can also be set later.
            Default None.
        num_edges: None for a dense operator, or int: the largest number of entries E of a sparse
            operator. With None and a sparse `graph`, E is the number of entries of `graph`. If a
            graph with more entries is set later, E increases to the new number. Default None.
        num_frequencies: None for an operator, or int: the layer then stores a dense Fourier basis
            (N, d) with this number of columns d, see `SpectralConv`. Default None.

    Call arguments:
        x: tensor of any shape. Its values are not used. A functional model needs an input tensor
            for each layer.

    Returns:
        The dense operator (N, N), the sparse operator `{"index": (2, E), "value": (E,)}`, or the
        basis (N, d). Entry e of a sparse operator is in row index[0, e] and column index[1, e].

    Raises:
        ValueError: if the graph has another shape, is not finite, or has more entries than the
            `num_edges` given with it; if `num_edges` and `num_frequencies` are both given, or
            d > N; in a call, if the graph was never set.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.StaticGraph(3, graph=np.eye(3))
        >>> tuple(layer(np.ones((2, 12, 3, 1), "float32")).shape)
        (3, 3)
    """

    _what = "`graph`"
    _remedy = "Set `model.graph = …` or `layer.graph = …`"

    def __init__(
        self,
        num_nodes: int,
        graph: Array | None = None,
        num_edges: int | None = None,
        num_frequencies: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_frequencies = num_frequencies
        columns = self.num_nodes
        if num_frequencies is not None:
            columns = _checks.integer("num_frequencies", num_frequencies)
            if columns > self.num_nodes or num_edges is not None:
                raise ValueError(
                    f"`num_frequencies` must be at most `num_nodes`={num_nodes}, and `num_edges` "
                    f"must then be None. Received: num_frequencies={columns}, "
                    f"num_edges={num_edges}"
                )
        elif num_edges is None and scipy.sparse.issparse(graph):
            num_edges = max(1, graph.nnz)
        self.num_edges = num_edges if num_edges is None else _checks.integer("num_edges", num_edges)
        self._shape = (self.num_nodes, columns)
        self.is_in_use = False
        self._callers: weakref.WeakSet[keras.Model] = weakref.WeakSet()
        self._add_variables()
        self.built = True
        if graph is not None:
            self._begin_with(graph)

    def _add_variables(self):
        if self.num_edges is None:
            self._dense = self.add_weight(self._shape, unset(), trainable=False, name="graph")
            return
        shape = (self.num_edges,)
        self._value = self.add_weight(shape, unset(), trainable=False, name="value")
        self._index = self.add_weight(
            (2, *shape), "zeros", dtype="int32", trainable=False, name="index"
        )

    def _begin_with(self, graph):
        room, self.graph = self.num_edges, graph
        if self.num_edges != room:
            raise ValueError(
                f"`graph` must have at most `num_edges`={room} entries. "
                f"Received: {self.num_edges} entries. Use a larger `num_edges`, or omit it."
            )

    def _first_variable(self):
        return self._dense if self.num_edges is None else self._value

    def _make_room(self, num_edges):
        """Replaces the variables by variables for `num_edges` entries."""
        if self.is_in_use:
            raise ValueError(
                f"`graph` must have at most `num_edges`={self.num_edges} entries while `fit` runs. "
                f"Received: {num_edges} entries. Set `graph` before or after `fit`."
            )
        for variable in list(self.weights):
            self._untrack_variable(variable)
        self._tracker.unlock()
        self.num_edges = num_edges
        self._add_variables()
        self._tracker.lock()
        # The compiled functions of the models use the old variables.
        for model in list(self._callers):
            model.train_function = model.test_function = model.predict_function = None

    @property
    def graph(self) -> np.ndarray | scipy.sparse.csr_array:
        """Graph operator: an array, or a SciPy csr_array if sparse. -32768 if it was never set."""
        if self.num_edges is None:
            return keras.ops.convert_to_numpy(self._dense.value)
        value = keras.ops.convert_to_numpy(self._value.value)
        index = keras.ops.convert_to_numpy(self._index.value)
        kept = value != 0
        entries = value[kept], tuple(index[:, kept])
        return scipy.sparse.csr_array(entries, shape=self._shape)

    @graph.setter
    def graph(self, graph: Array) -> None:
        self._set_graph(graph)

    def _set_graph(self, graph):
        graph = self._check(graph)
        if self.num_edges is None:
            self._dense.assign(graph.toarray() if scipy.sparse.issparse(graph) else graph)
            return
        graph = scipy.sparse.coo_array(graph)
        if graph.nnz > self.num_edges:
            self._make_room(graph.nnz)
        room = (0, self.num_edges - graph.nnz)  # unused entries have weight 0 and node 0
        self._index.assign(np.pad(np.stack(graph.coords).astype("int32"), ((0, 0), room)))
        self._value.assign(np.pad(graph.data, room))

    def _check(self, graph):
        """Checks the graph and returns it as an array or coo_array."""
        graph = as_operator(graph)
        if graph.shape != self._shape:
            columns = "num_nodes" if self.num_frequencies is None else "num_frequencies"
            raise ValueError(
                f"`graph` must have shape (num_nodes, {columns}) = {self._shape}. "
                f"Received: graph.shape={graph.shape}"
            )
        return graph

    def call(self, x: Tensor) -> Tensor:
        if self.num_edges is None:
            return self.read(self._dense)
        caller = getattr(self._get_call_context(), "entry_layer", None)
        if isinstance(caller, keras.Model):
            self._callers.add(caller)
        return {"index": self.read(self._index), "value": self.read(self._value)}

    def compute_output_spec(self, x: Tensor) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        if self.num_edges is None:
            return keras.KerasTensor(self._shape, self.compute_dtype)
        return {
            "index": keras.KerasTensor((2, self.num_edges), "int32"),
            "value": keras.KerasTensor((self.num_edges,), self.compute_dtype),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_nodes": self.num_nodes,
            "num_edges": self.num_edges,
            "num_frequencies": self.num_frequencies,
        }


def as_operator(graph: Array) -> Any:
    """Checks that a graph holds finite numbers, and returns it as an array or coo_array."""
    found: Any = graph
    is_sparse = scipy.sparse.issparse(graph)
    try:
        found = scipy.sparse.coo_array(found) if is_sparse else np.array(found)
        values = found.data if is_sparse else found
        is_finite = values.dtype.kind in "biuf" and np.isfinite(values).all()
        received = f"dtype {values.dtype}, NaN or infinite entries"
    except (ValueError, TypeError) as error:  # lists of different lengths
        is_finite, received = False, str(error)
    if not is_finite:
        raise ValueError(
            f"`graph` must hold finite numbers. Received: {received}. Compute the operator with "
            "`stgkeras.graphs`."
        )
    return found
