"""JAX with little to compile: for models this small, that takes far longer than to run them."""

import contextlib
import os
import types
from unittest import mock

import numpy as np


def quick(wanted=True, optimised=False):
    """A context in which programs are quickly compiled on JAX; it changes nothing elsewhere."""
    is_on = wanted and os.environ["KERAS_BACKEND"] == "jax"
    return quick_jax(optimised) if is_on else contextlib.nullcontext()


@contextlib.contextmanager
def quick_jax(optimised=False):
    """NumPy makes the initial weights, for which Keras compiles a program a shape; a seed repeats
    them as ever. Unless `optimised`, programs are not optimised."""
    import jax
    from keras.src.initializers import constant_initializers, random_initializers

    random = types.SimpleNamespace(**vars(random_initializers.random))
    for name, draw in (("normal", _normal), ("truncated_normal", _cut), ("uniform", _uniform)):
        setattr(random, name, _drawn(draw, getattr(random, name)))
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(random_initializers, "random", random))
        for name, fill in (("Zeros", np.zeros), ("Ones", np.ones)):
            initializer = getattr(constant_initializers, name)
            stack.enter_context(mock.patch.object(initializer, "__call__", _filled(fill)))
        jax.config.update("jax_disable_most_optimizations", not optimised)
        stack.callback(jax.config.update, "jax_disable_most_optimizations", False)
        yield


def _normal(rng, shape, mean=0.0, stddev=1.0):
    return mean + stddev * rng.standard_normal(shape)


def _cut(rng, shape, mean=0.0, stddev=1.0):
    from scipy import special

    low, high = special.ndtr([-2.0, 2.0])
    return mean + stddev * special.ndtri(rng.uniform(low, high, shape))


def _uniform(rng, shape, minval=0.0, maxval=1.0):
    return rng.uniform(minval, maxval, shape)


def _drawn(draw, of_keras):
    import jax
    from keras.src.random.seed_generator import draw_seed

    def drawn(shape, *range_of, dtype=None, seed=None, **range_by_name):
        numbers = draw_seed(seed)
        if isinstance(numbers, jax.core.Tracer):  # a model that is built in its first step
            return of_keras(shape, *range_of, dtype=dtype, seed=seed, **range_by_name)
        rng = np.random.default_rng(np.asarray(numbers).astype("uint32").tolist())
        return _tensor(draw(rng, shape, *range_of, **range_by_name), dtype)

    return drawn


def _filled(fill):
    return lambda initializer, shape, dtype=None: _tensor(fill(shape), dtype)


def _tensor(array, dtype):
    import keras
    from jax import numpy as jnp

    dtype = keras.backend.standardize_dtype(dtype or keras.config.floatx())
    array = array.astype(jnp.dtype(dtype))
    return jnp.asarray(array, array.dtype)  # without a dtype, that is a program as well
