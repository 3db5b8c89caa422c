#!/usr/bin/env bash
# Keras: a functional model with a dict of inputs that receives one key more gives its inputs the
# values of other keys: all values in the order of the sorted keys, as many as the model has inputs.
# If the shapes fit, `predict` and `fit` go on with shifted inputs, and only warn of a structure.
#
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11, for a model with the inputs "daily"
# and "recent" that returns both:
#
#   dict                   {'daily': 1.0, 'recent': 2.0}
#   dict, and "weekly"     {'daily': 1.0, 'recent': 2.0}
#   dict, and "calendar"   {'daily': 9.0, 'recent': 1.0}
#   dict, and "hour"       {'daily': 1.0, 'recent': 9.0}
#   list, and "calendar"   {'daily': 1.0, 'recent': 2.0}
#
# Why: Keras flattens the dict, which sorts its keys, and takes the first values. A model with a list
# of inputs looks the names up and ignores others. Reported as keras-team/keras#23258, and mended in
# #23261: versions after 3.15.1 ignore other keys, with the same warning.
#
# What to do instead: compare `set(x)` with `set(model.input)` before each call.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 jax==0.10.2 jaxlib==0.10.2

cat > "$folder/program.py" <<'PROGRAM'
import sys
import warnings

import jax
import keras
import numpy as np

warnings.simplefilter("ignore")
NAMES = ("daily", "recent")


def outputs(as_dict, **values):
    """What a model returns that passes its inputs on: {input: value}."""
    inputs = {name: keras.Input((1,), name=name) for name in NAMES}
    given = inputs if as_dict else list(inputs.values())
    passed = {name: keras.layers.Identity()(x) for name, x in inputs.items()}
    model = keras.Model(given, passed)
    x = {name: np.full((1, 1), value, "float32") for name, value in values.items()}
    return {name: float(y[0, 0]) for name, y in model.predict(x, verbose=0).items()}


print("keras", keras.__version__, "jax", jax.__version__, "Python", sys.version.split()[0])
both = {"daily": 1, "recent": 2}
found = {
    "dict": outputs(True, **both),
    'dict, and "weekly"': outputs(True, **both, weekly=9),
    'dict, and "calendar"': outputs(True, **both, calendar=9),
    'dict, and "hour"': outputs(True, **both, hour=9),
    'list, and "calendar"': outputs(False, **both, calendar=9),
}
for name, values in found.items():
    print(f"{name:22}", values)
values = [tuple(values.values()) for values in found.values()]
sys.exit(0 if values == [(1, 2), (1, 2), (9, 1), (1, 9), (1, 2)] else 1)
PROGRAM
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/program.py"
