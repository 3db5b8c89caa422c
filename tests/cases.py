"""What a case of a layer is: what it is built with, what it takes and what it gives.

In a shape `None` is the batch axis. A dict of shapes is a sparse operator, a list several signals.
"""

import dataclasses
import functools

import keras
import numpy as np
import scipy.sparse
from keras import ops

from stgkeras import graphs
from stgkeras.layers._state import is_unset

NODES = 5
LINKS = [(0, 1, 1.0), (1, 2, 0.5), (2, 3, 2.0), (1, 3, 0.7)]  # node 4 is isolated


def adjacency():
    """A weighted undirected graph of five nodes, one of them isolated."""
    matrix = np.zeros((NODES, NODES))
    for n, m, weight in LINKS:
        matrix[n, m] = matrix[m, n] = weight
    return matrix


def laplacian():
    """Its scaled Laplacian."""
    return graphs.scaled_laplacian(adjacency(), lambda_max=2.0)


def basis():
    """The four lowest frequencies of its Fourier basis."""
    return graphs.fourier_basis(adjacency())[1][:, :4]


def places():
    """Latitudes and longitudes of its nodes."""
    return np.random.default_rng(5).random((NODES, 2))


def patches():
    """Four patches of its nodes."""
    return graphs.patches(places(), 2)


def clusters():
    """Two clusters of its nodes."""
    return [[0, 1, 0], [2, 3, 4]]


@dataclasses.dataclass(frozen=True, eq=False)  # hashed by identity
class LayerCase:
    layer: type
    kwargs: dict
    inputs: dict  # name of the call argument: shape
    output: tuple
    trainable: int = 0
    frozen: int = 0
    call: dict = dataclasses.field(default_factory=dict)  # further call arguments

    def make(self, **kwargs):
        values = {name: v() if callable(v) else v for name, v in self.kwargs.items()}
        return self.layer(**values, **kwargs)

    def run(self, layer, inputs):
        return layer(*inputs.values(), **self.call)

    @functools.cache  # noqa: B019 - one function a layer, so that JAX compiles it once
    def function(self, layer):
        """The layer as a function of arrays, to a flat list of outputs."""
        return lambda *arrays: keras.tree.flatten(layer(*arrays, **self.call))

    def build(self, seed=0, **kwargs):
        """A layer, called once on symbols, with random weights."""
        keras.utils.set_random_seed(seed)  # for frozen weights that a layer draws
        layer = self.make(**kwargs)
        self.run(layer, self.symbols())
        randomize(layer, seed)
        return layer

    def symbols(self, batch=None):
        return {
            name: over_shapes(
                shape, lambda leaf, dtype: keras.Input(batch_shape=leaf, dtype=dtype), name
            )
            for name, shape in self.shapes(batch).items()
        }

    def shapes(self, batch):
        return {
            name: over_shapes(shape, lambda leaf, _: with_batch(leaf, batch))
            for name, shape in self.inputs.items()
        }

    def arrays(self, batch, seed=0):
        rng = np.random.default_rng(seed)

        def draw(shape, dtype):
            if dtype == "int32":
                return rng.integers(0, NODES, shape, dtype="int32")
            return rng.standard_normal(shape).astype(dtype)

        arrays = {n: over_shapes(shape, draw, n) for n, shape in self.shapes(batch).items()}
        if "adjacency" in arrays:
            arrays["adjacency"] = np.abs(arrays["adjacency"])
        return arrays


def with_batch(shape, batch):
    """A shape, or nested ones, with `batch` in place of None."""
    if isinstance(shape, dict):
        return {key: with_batch(value, batch) for key, value in shape.items()}
    if isinstance(shape[0], tuple):
        return tuple(with_batch(value, batch) for value in shape)
    return tuple(batch if size is None else size for size in shape)


def over_shapes(shape, function, name=""):
    """`function(shape, dtype)` for a shape, each of a dict, or each of a list."""
    if isinstance(shape, dict):
        dtypes = {"index": "int32", "value": "float32"}
        return {key: function(value, dtypes[key]) for key, value in shape.items()}
    if isinstance(shape, list):
        return [function(value, "float32") for value in shape]
    return function(shape, "int32" if name == "clusters" else "float32")


def randomize(layer, seed=0):
    """Draws all weights, biases too; state that was never given gets positive numbers."""
    rng = np.random.default_rng(seed)
    for v in layer.trainable_variables:
        v.assign((0.5 * rng.standard_normal(v.shape)).astype(v.dtype))
    for v in layer.non_trainable_variables:
        if "float" in v.dtype and is_unset(as_numpy(v.value).flat[0]):
            v.assign(rng.uniform(0.5, 1.5, v.shape).astype(v.dtype))


def as_numpy(tensor):
    array = np.asarray(ops.convert_to_numpy(tensor))
    return array if array.dtype.kind in "iu" else array.astype("float32")


def weights_of(layer):
    """The weights as float64 arrays by name, with the name of their part if several share it."""
    names = [variable.name for variable in layer.variables]
    return {
        (v.name if names.count(v.name) == 1 else v.path.split("/", 1)[1]): as_numpy(v.value).astype(
            "float64"
        )
        for v in layer.variables
    }


def evaluate(function, *arrays):
    """The outputs of a function of tensors as NumPy arrays; compiled on JAX, where one operation
    after the other is slow."""
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    else:
        arrays = keras.tree.map_structure(ops.convert_to_tensor, arrays)
    return keras.tree.map_structure(as_numpy, function(*arrays))


def predict(model, inputs):
    if keras.backend.backend() == "jax":  # eager operations are slow there
        return model.predict(inputs, verbose=0)
    return as_numpy(model(inputs))


def dense(matrix):
    if isinstance(matrix, (list, tuple)):
        return np.stack([dense(one) for one in matrix])
    return matrix.toarray() if scipy.sparse.issparse(matrix) else matrix


def relabelled(name, value, order):
    """A weight after node `order[i]` became node i."""
    if name in ("b_s", "v_s"):
        return value[order][:, order]
    if name == "u1" or (name in ("gamma", "beta") and value.ndim == 2):
        return value[order]
    if name == "u2":
        return value[:, order]
    if name in ("query_kernel", "key_kernel"):
        by_node = value.reshape(len(order), -1, value.shape[-1])
        return by_node[order].reshape(value.shape)
    return value
