#!/usr/bin/env bash
# Keras on JAX: where the data raise an error within `predict`, the model loses all its weights.
#
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11:
#
#   predict raised OSError: the disk is away
#   then get_weights raised TypeError: 'NoneType' object is not callable
#
# Why: while it works, Keras takes the values out of the variables to save memory, and puts them
# back when `predict` ends; `fit` does so in a `finally`, `predict` does not. TensorFlow and PyTorch
# keep the weights. Ctrl-C within `predict`, in a notebook, has the same effect.
#
# What to do instead: check data before `predict` reads them, keep the weights in a file, or
# override the model's `_purge_model_variables` by a function that does nothing: XLA frees the
# memory that was handed on to it all the same.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 jax==0.10.2 jaxlib==0.10.2

cat > "$folder/program.py" <<'PROGRAM'
import sys

import jax
import keras
import numpy as np


class Away(keras.utils.PyDataset):
    """Data that cannot be read at the moment."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise OSError("the disk is away")


def error_of(call):
    try:
        call()
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    return "raised nothing"


def model(purges):
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    if not purges:
        made._purge_model_variables = lambda **kwargs: None
    made.predict(np.ones((4, 3)), verbose=0)
    return made


print("keras", keras.__version__, "jax", jax.__version__, "Python", sys.version.split()[0])
first, second = model(purges=True), model(purges=False)
for name, made in (("as it is", first), ("without purging", second)):
    print(f"{name}: predict", error_of(lambda: made.predict(Away(), verbose=0)))
    print(f"{name}: then get_weights", error_of(made.get_weights))
lost = error_of(first.get_weights).startswith("raised TypeError")
kept = error_of(second.get_weights) == "raised nothing"
sys.exit(0 if lost and kept else 1)
PROGRAM
KERAS_BACKEND=jax "$folder/venv/bin/python" "$folder/program.py"
