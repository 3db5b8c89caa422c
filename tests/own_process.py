"""What scripts that tests start have in common with the tests: they compile as little."""

import contextlib
import sys

import keras
from quick_jax import quick_jax


def quick():
    """A context in which JAX compiles as in the tests, and TensorFlow stays away where it is not
    the backend: `keras.utils.set_random_seed` would import it, for seconds."""
    if keras.backend.backend() != "tensorflow":
        sys.modules["tensorflow"] = None
    return quick_jax() if keras.backend.backend() == "jax" else contextlib.nullcontext()
