"""What scripts that tests start have in common with the tests: they compile as little."""

import os
import sys

from quick_jax import quick


def quick_process():
    """A context in which JAX compiles as in the tests, and TensorFlow stays away where it is not
    the backend: `keras.utils.set_random_seed` would import it, for seconds."""
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        sys.modules["tensorflow"] = None
    return quick()
