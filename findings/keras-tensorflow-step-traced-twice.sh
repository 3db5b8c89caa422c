#!/usr/bin/env bash
# Keras on TensorFlow: `fit` of a model that is built traces its training step twice, unless the
# optimizer was built before.
#
# Seen with keras 3.15.1 and tensorflow 2.21.0 on Linux, Python 3.11:
#
#   as compiled: the training step was traced 2 times
#   optimizer built: the training step was traced 1 time
#   metric by name: the training step was traced 2 times
#   metric as object: the training step was traced 1 time
#
# Why: without a distribution strategy, Keras builds the optimizer while TensorFlow traces the step.
# A `tf.function` whose first trace creates variables is traced again. A metric that is given by name
# creates its variables in the trace, too. The variables of the model do not matter: they exist.
# JAX builds the optimizer before it traces, so the step is traced once there.
#
# What it costs: for models of many small layers the trace is most of the time until the first step
# ends, which the second trace doubles (seen: 2.0 s and 1.0 s; 3.1 s and 1.5 s).
#
# What to do instead: `model.optimizer.build(model.trainable_variables)` between `compile` and `fit`,
# and metrics as objects.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 tensorflow==2.21.0

cat > "$folder/program.py" <<'PROGRAM'
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf


def traces(build=False, metrics=None):
    """How often the training step of a built model is traced in an epoch of `fit`."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse", metrics=metrics)
    if build:
        model.optimizer.build(model.trainable_variables)
    count, step = [0], model.train_step

    def counted(data):
        count[0] += 1
        return step(data)

    model.train_step = counted
    x = np.ones((8, 3), "float32")
    model.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0)
    return count[0]


print("keras", keras.__version__, "tensorflow", tf.__version__, "Python", sys.version.split()[0])
found = {
    "as compiled": traces(),
    "optimizer built": traces(build=True),
    "metric by name": traces(build=True, metrics=["mae"]),
    "metric as object": traces(build=True, metrics=[keras.metrics.MeanAbsoluteError()]),
}
for name, count in found.items():
    print(f"{name}: the training step was traced {count} time{'s' if count > 1 else ''}")
sys.exit(0 if list(found.values()) == [2, 1, 2, 1] else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/program.py" 2>/dev/null
