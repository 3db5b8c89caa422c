#!/usr/bin/env bash
# Keras under tf.distribute.MirroredStrategy: `clipnorm`, `global_clipnorm` and `clipvalue` clip the
# gradient of each replica, and then add the clipped gradients. So two replicas train otherwise than
# one with the same batches, and the norm of a step can exceed the limit.
#
# Seen with keras 3.15.1 and tensorflow 2.21.0 on Linux, Python 3.11, two logical CPUs. One weight, 0
# at the start, one step of SGD with the learning rate 1 on the batch (3, 1), whose mean gradient is
# -2; limit 1.2. One of the two replicas has the gradient -1.5, the other -0.5:
#
#   none             one device 2.0  two replicas 2.0
#   clipnorm         one device 1.2  two replicas 1.7
#   global_clipnorm  one device 1.2  two replicas 1.7
#   clipvalue        one device 1.2  two replicas 1.7
#
# Why: `apply_gradients` clips before the optimizer reaches the code that adds the gradients of the
# replicas.
#
# What to do instead: clip in a train step of your own, after `all_reduce` of the gradients.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 tensorflow==2.21.0

cat > "$folder/program.py" <<'PROGRAM'
import contextlib
import sys

import keras
import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def weight(scope, **limit):
    """The weight after one step."""
    with scope:
        x = keras.Input((1,))
        model = keras.Model(x, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(x))
        # The gradient of the mean of -x w is the mean of -x.
        model.compile(keras.optimizers.SGD(1.0, **limit), lambda y, p: -p)
        x = np.array([[3.0], [1.0]], "float32")
        data = tf.data.Dataset.from_tensor_slices((x, x)).batch(2)
        model.fit(data, verbose=0)
    return round(float(model.layers[-1].kernel.numpy()[0, 0]), 4)


print("keras", keras.__version__, "tensorflow", tf.__version__)
found = {}
for name in ("none", "clipnorm", "global_clipnorm", "clipvalue"):
    limit = {} if name == "none" else {name: 1.2}
    found[name] = weight(contextlib.nullcontext(), **limit), weight(strategy.scope(), **limit)
    print(f"{name:16} one device {found[name][0]}  two replicas {found[name][1]}")
plain = found.pop("none")
same = plain == (2.0, 2.0) and all(one == 1.2 for one, _ in found.values())
sys.exit(0 if same and all(two == 1.7 for _, two in found.values()) else 1)
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/program.py"
