#!/usr/bin/env bash
# jax2tf: a gradient made by `jax.custom_gradient` that reads an array from outside the decorated
# function works in `jax.jit`, and cannot be saved as a SavedModel with gradients.
#
# Seen with jax 0.10.2 and tensorflow 2.21.0 on Linux, Python 3.11:
#
#   closure: jit of grad gives 3.0
#   closure: saving raised ValueError
#   argument: jit of grad gives 3.0
#   argument: saving raised nothing
#
# The log of TensorFlow names the cause, a TypeError: no constant handler for a tracer.
#
# Why: jax2tf traces the gradient again, at another level than the function. The array from outside
# is a tracer of the first level, which the second one takes for a constant. Keras exports models on
# JAX this way, and `keras.ops.custom_gradient` is `jax.custom_gradient`: so a layer with such a
# gradient trains and predicts, and fails in `model.export`.
#
# What to do instead: pass every array that the gradient reads as an argument of the decorated
# function, with the gradient None, or leave the own gradient out while exporting.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet jax==0.10.2 jaxlib==0.10.2 tensorflow==2.21.0

cat > "$folder/program.py" <<'PROGRAM'
import sys
import tempfile

import jax
import jax.numpy as jnp
import tensorflow as tf
from jax.experimental import jax2tf


def closure(index, value, x):
    @jax.custom_gradient
    def product(value, x):
        return value * x[index], lambda g: (
            (g * x[index]).sum(),
            jnp.zeros(3).at[index].add(g * value),
        )

    return product(value, x)


def argument(index, value, x):
    @jax.custom_gradient
    def product(index, value, x):
        return value * x[index], lambda g: (
            None,
            (g * x[index]).sum(),
            jnp.zeros(3).at[index].add(g * value),
        )

    return product(index, value, x)


def traced(product):
    """`product` with an index that JAX traces, too."""
    return lambda value, x: product(jnp.arange(3) + jnp.int32(0 * value), value, x)


print("jax", jax.__version__, "tensorflow", tf.__version__, "Python", sys.version.split()[0])
value, x = jnp.float32(2.0), jnp.arange(3.0)
raised = {}
for name, product in (("closure", closure), ("argument", argument)):
    gradient = jax.jit(jax.grad(lambda value, x: traced(product)(value, x).sum()))(value, x)
    print(f"{name}: jit of grad gives {gradient}")
    module = tf.Module()
    signature = [tf.TensorSpec((), tf.float32), tf.TensorSpec((3,), tf.float32)]
    module.f = tf.function(
        jax2tf.convert(traced(product), with_gradient=True), signature, autograph=False
    )
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    try:
        with tempfile.TemporaryDirectory() as path:
            tf.saved_model.save(module, path, options=options)
        raised[name] = "nothing"
    except Exception as error:
        raised[name] = type(error).__name__
    print(f"{name}: saving raised {raised[name]}")
sys.exit(0 if raised == {"closure": "ValueError", "argument": "nothing"} else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/program.py" 2>/dev/null
