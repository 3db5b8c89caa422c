"""State that is given to a layer rather than learned: graphs, clusters, scalers. Was it given?

A variable of such state holds `UNSET` until it is given. `UNSET` is finite: on TensorFlow a product
fused with a rectifier turns NaN into 0, and processes of JAX compare initial values by `==`, which
NaN never satisfies. No operator, deviation or list of clusters begins with it. In files of version
0.1.0 the same state is NaN.
"""

import keras
import numpy as np
from keras import ops

UNSET = -(2.0**15)  # exact in half precision
UNSET_INDEX = 2**31 - 1  # of integers; no node has this number


class StateLayer(keras.layers.Layer):
    """Base of the layers whose state is given.

    A subclass names in `_what` and `_remedy` what is missing and what to do, for the error, and
    returns in `_first_variable` the variable that tells whether the state was given.
    """

    _what = _remedy = ""
    _seen = None  # the tensor of PyTorch that was last found given, so as not to ask the device

    def require(self):
        """Raises ValueError if the state was never given. While JAX traces a function, values
        cannot be read, and nothing is raised."""
        self._is_given()

    def _is_given(self):
        """Whether the state is known to be given; False where it cannot be read."""
        seen = self._tensor_version()
        if seen is not None and seen == self._seen:
            return True
        first = self._first_number()
        if first is None:
            return False
        if is_unset(first):
            raise ValueError(
                f"{self._what} must be given before the model is used: {self._remedy}, or load "
                f"weights that were saved with it. Received: layer '{self.name}', which has none"
            )
        self._seen = seen
        return True

    def _tensor_version(self):
        """What changes with each change of the state on PyTorch; None elsewhere."""
        if keras.backend.backend() != "torch":
            return None
        value = self._first_variable().value
        return (id(value), value._version) if not value.is_inference() else None

    def read(self, variable):
        """The value of a variable, in the dtype of the computation; raises as `require` does.
        Where JAX traces, state that was never given is read as NaN."""
        is_given = self._is_given()
        is_integer = keras.backend.is_int_dtype(variable.dtype)
        dtype = variable.dtype if is_integer else self.compute_dtype
        value = ops.cast(ops.convert_to_tensor(variable), dtype)
        if is_given or is_integer:
            return value
        first = ops.reshape(ops.convert_to_tensor(self._first_variable()), (-1,))[0]
        return ops.where(ops.equal(first, UNSET), float("nan"), value)

    def _first_variable(self):
        raise NotImplementedError

    def _first_number(self):
        """The first number of the state, or None where it cannot be read."""
        backend, variable = keras.backend.backend(), self._first_variable()
        if backend == "tensorflow":
            import tensorflow as tf

            with tf.init_scope():  # leaves the function that is being traced
                value = variable.value
                return value[(0,) * len(value.shape)].numpy() if _is_eager(value) else None
        value = variable.value
        if backend == "jax":
            import jax

            if isinstance(value, jax.core.Tracer) or value.is_deleted():
                return None
            with jax.ensure_compile_time_eval():
                return np.asarray(value[(0,) * len(value.shape)])
        elif value.is_meta or _is_transformed():
            return None
        return ops.convert_to_numpy(value[(0,) * len(value.shape)])


def unset(variable_dtype="float32"):
    """The initializer of state that is not given yet."""
    is_integer = keras.backend.is_int_dtype(variable_dtype)
    return keras.initializers.Constant(UNSET_INDEX if is_integer else UNSET)


def is_unset(first):
    """Whether the first number of a state says that it was never given."""
    if np.issubdtype(np.asarray(first).dtype, np.integer):
        return first == UNSET_INDEX
    return first == UNSET or first != first


def _is_eager(value):
    return hasattr(value, "numpy")


def _is_transformed():
    """Whether PyTorch compiles, or transforms functions, so that tensors have no numbers."""
    import torch

    return torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
