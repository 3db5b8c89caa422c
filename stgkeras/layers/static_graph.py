import weakref

import keras
import numpy as np
import scipy.sparse

from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset


@keras.saving.register_keras_serializable("stgkeras")
class StaticGraph(StateLayer):
    """Holds a graph operator of a model, as state that travels with the weights.

    The config carries sizes alone. A layer revived from config has no graph until weights are
    loaded or `graph` is set: until then a call raises ValueError. Only where JAX traces a call,
    as in `fit` and `predict` of a plain `keras.Model`, it cannot raise, and the operator is NaN.

    Args:
        num_nodes: int. Number of nodes N.
        graph: None, or the operator to hold, an (N, N) array or scipy sparse matrix. Kept as the
            attribute `graph`, which can be read and set.
        num_edges: None for a dense operator, or the number of entries E that a sparse one has room
            for; None with a sparse `graph` takes its number of entries. A `graph` that is set later
            with more entries raises it.
        num_frequencies: None for an operator, or the number of columns d of a Fourier basis (N, d),
            which is held in place of an operator and is dense.

    Call arguments:
        x: any tensor; it only ties the layer into a functional model.

    Returns:
        The operator, (N, N), or `{"index": (2, E), "value": (E,)}` if sparse; or the basis, (N, d).

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
    _remedy = "set `model.graph = …`, or `layer.graph = …`"

    def __init__(self, num_nodes, graph=None, num_edges=None, num_frequencies=None, **kwargs):
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_frequencies = num_frequencies
        columns = self.num_nodes
        if num_frequencies is not None:
            columns = _checks.integer("num_frequencies", num_frequencies)
            if columns > self.num_nodes or num_edges is not None:
                raise ValueError(
                    f"`num_frequencies` must be at most `num_nodes`={num_nodes}, and `num_edges` "
                    f"None. Received: num_frequencies={columns}, num_edges={num_edges}"
                )
        elif num_edges is None and scipy.sparse.issparse(graph):
            num_edges = max(1, graph.nnz)
        self.num_edges = num_edges if num_edges is None else _checks.integer("num_edges", num_edges)
        self._shape = (self.num_nodes, columns)
        self.is_in_use = False
        self._callers = weakref.WeakSet()
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
                f"Received: {self.num_edges} entries. Leave `num_edges` out to take their number."
            )

    def _first_variable(self):
        return self._dense if self.num_edges is None else self._value

    def _make_room(self, num_edges):
        """Holds up to `num_edges` entries from now on, in new variables."""
        if self.is_in_use:
            raise ValueError(
                f"`graph` must have at most `num_edges`={self.num_edges} entries while `fit` runs. "
                f"Received: {num_edges} entries. Set it before or after"
            )
        for variable in list(self.weights):
            self._untrack_variable(variable)
        self._tracker.unlock()
        self.num_edges = num_edges
        self._add_variables()
        self._tracker.lock()
        for model in list(self._callers):  # what they have compiled holds the variables of before
            model.train_function = model.test_function = model.predict_function = None

    @property
    def graph(self):
        """The operator as an array, or scipy csr_array if sparse; before it is set, an array of
        -32768."""
        if self.num_edges is None:
            return keras.ops.convert_to_numpy(self._dense.value)
        value = keras.ops.convert_to_numpy(self._value.value)
        index = keras.ops.convert_to_numpy(self._index.value)
        kept = value != 0
        entries = value[kept], tuple(index[:, kept])
        return scipy.sparse.csr_array(entries, shape=self._shape)

    @graph.setter
    def graph(self, graph):
        graph = self._check(graph)
        if self.num_edges is None:
            self._dense.assign(graph.toarray() if scipy.sparse.issparse(graph) else graph)
            return
        graph = scipy.sparse.coo_array(graph)
        if graph.nnz > self.num_edges:
            self._make_room(graph.nnz)
        room = (0, self.num_edges - graph.nnz)  # empty room is zero weights on node 0
        self._index.assign(np.pad(np.stack(graph.coords).astype("int32"), ((0, 0), room)))
        self._value.assign(np.pad(graph.data, room))

    def _check(self, graph):
        """The graph as an array or coo_array, checked."""
        graph = scipy.sparse.coo_array(graph) if scipy.sparse.issparse(graph) else np.array(graph)
        if graph.shape != self._shape:
            columns = "num_nodes" if self.num_frequencies is None else "num_frequencies"
            raise ValueError(
                f"`graph` must have shape (num_nodes, {columns}) = {self._shape}. "
                f"Received: graph.shape={graph.shape}"
            )
        values = graph.data if scipy.sparse.issparse(graph) else graph
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise ValueError(
                "`graph` must hold finite numbers; see `stgkeras.graphs` for operators. "
                f"Received: dtype {values.dtype}, NaN or infinite entries"
            )
        return graph

    def call(self, x):
        if self.num_edges is None:
            return self.read(self._dense)
        caller = getattr(self._get_call_context(), "entry_layer", None)
        if isinstance(caller, keras.Model):
            self._callers.add(caller)
        return {"index": self.read(self._index), "value": self.read(self._value)}

    def compute_output_spec(self, x):
        if self.num_edges is None:
            return keras.KerasTensor(self._shape, self.compute_dtype)
        return {
            "index": keras.KerasTensor((2, self.num_edges), "int32"),
            "value": keras.KerasTensor((self.num_edges,), self.compute_dtype),
        }

    def get_config(self):
        return {
            **super().get_config(),
            "num_nodes": self.num_nodes,
            "num_edges": self.num_edges,
            "num_frequencies": self.num_frequencies,
        }
