"""State of a layer that the user sets and training does not change: graphs, clusters, scalers.

The variables of this state hold `UNSET` until the user sets the state. A layer that is called
before raises an error. `UNSET` is a finite number, because on TensorFlow a product fused with a
ReLU turns NaN into 0, and because JAX processes compare initial values with `==`, which is false
for NaN. The first number of a graph operator, of standard deviations or of clusters never equals
`UNSET`. In files of version 0.1.0, state that was not set is NaN.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.types import Tensor

UNSET = -(2.0**15)  # exact in half precision
UNSET_INDEX = 2**31 - 1  # for integer variables; no node has this number


class StateLayer(keras.layers.Layer):
    """Base of the layers with state that the user sets, such as a graph.

    A subclass defines two parts of the error message: `_what`, the name of the state, and
    `_remedy`, the instruction how to set the state. It also defines `_first_variable`, which
    returns a variable of the state: the state is set if its first number is not `UNSET`.
    """

    _what = _remedy = ""
    _seen: tuple | None = None  # on PyTorch, the tensor version that was found to be set

    def require(self) -> None:
        """Raises ValueError if the state was never set.

        While JAX traces a function, the values cannot be read, and no error is raised.
        """
        self._is_given()

    def _is_given(self):
        """Returns True if the state is set, and False if the state cannot be read."""
        seen = self._tensor_version()
        if seen is not None and seen == self._seen:
            return True
        first = self._first_number()
        if first is None:
            return False
        if is_unset(first):
            raise ValueError(
                f"{self._what} must be given before the model is used. "
                f"Received: layer '{self.name}' without a value. "
                f"{self._remedy}, or load saved weights."
            )
        self._seen = seen
        return True

    def _tensor_version(self):
        """Returns a pair that changes with each change of the state on PyTorch, else None."""
        if keras.backend.backend() != "torch":
            return None
        value = self._first_variable().value
        return (id(value), value._version) if not value.is_inference() else None

    def read(self, variable: keras.Variable) -> Tensor:
        """Returns the value of a variable of the state, in the compute dtype of the layer.

        Raises ValueError if the state was never set. While JAX traces a function, the value of
        unset state is NaN instead.
        """
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
        """Returns the first number of the state, or None if the state cannot be read."""
        backend, variable = keras.backend.backend(), self._first_variable()
        if backend == "tensorflow":
            import tensorflow as tf

            with tf.init_scope():  # outside of the function that TensorFlow traces
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


def unset(variable_dtype: str = "float32") -> keras.initializers.Initializer:
    """Returns the initializer of variables that are not set yet."""
    is_integer = keras.backend.is_int_dtype(variable_dtype)
    return keras.initializers.Constant(UNSET_INDEX if is_integer else UNSET)


def is_unset(first: Any) -> bool:
    """Returns whether state with this first number was never set. NaN is from version 0.1.0."""
    if np.issubdtype(np.asarray(first).dtype, np.integer):
        return first == UNSET_INDEX
    return first == UNSET or first != first


def _is_eager(value):
    return hasattr(value, "numpy")


def _is_transformed():
    """Returns whether PyTorch compiles or transforms a function. Tensors then have no values."""
    import torch

    return torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
