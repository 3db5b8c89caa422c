#!/usr/bin/env bash
# Keras: with reduction="mean_with_sample_weight", a loss is divided by the sum of the weights as they
# were given, and not as they were broadcast. Weights of 1, one for each sample, in the shape (batch,
# 1), do not give the mean: the loss is larger by the number of entries of a sample. The learning rate
# is larger by the same factor, without an error or a warning.
#
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11. The targets are (2, 5, 3) zeros,
# the predictions 2, so that each squared error is 4:
#
#   no weights         4.0
#   weights (2, 5)     4.0
#   weights (2, 1)    20.0
#
# Why: `reduce_weighted_values` multiplies the values by the weights, which broadcasts them, and then
# sums the weights themselves for the divisor.
#
# What to do instead: give weights of the shape of the loss, `numpy.broadcast_to(weights, shape)`.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 jax==0.10.2 jaxlib==0.10.2

cat > "$folder/program.py" <<'PROGRAM'
import sys

import keras
import numpy as np

targets, predictions = np.zeros((2, 5, 3), "float32"), np.full((2, 5, 3), 2, "float32")
loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
print("keras", keras.__version__, "Python", sys.version.split()[0])
found = {"no weights": float(loss(targets, predictions))}
for shape in ((2, 5), (2, 1)):
    weights = np.ones(shape, "float32")
    found[f"weights {shape}"] = float(loss(targets, predictions, sample_weight=weights))
for name, value in found.items():
    print(f"{name:15} {value:6}")
sys.exit(0 if list(found.values()) == [4, 4, 20] else 1)
PROGRAM
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/program.py"
