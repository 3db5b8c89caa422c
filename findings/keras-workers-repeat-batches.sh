#!/usr/bin/env bash
# Keras: the first `fit` or `evaluate` of a model reads some batches of a PyDataset twice and others
# never, if the PyDataset has workers. On JAX and PyTorch; not on TensorFlow.
#
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11. How often `evaluate` counts each of
# 30 batches, without workers and with two:
#
#   workers=1  1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
#   workers=2  1 2 2 2 2 2 2 2 2 2 2 2 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0
#
# Why: to build metrics, Keras takes one batch and drops the rest of that pass. Its queue keeps the
# batches that its workers had made ready by then, as many as `max_queue_size` and one more, and
# gives them out before those of the next pass. Every pass after it begins with the batches that
# were left of the one before, so a dataset that changes in `on_epoch_end` mixes its epochs for good.
#
# What to do instead: leave `workers` at 1 and gather ahead in `__getitem__`, or call `evaluate`
# once on one array batch after `compile`, before the PyDataset is passed: nothing is left to build.
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

NUMBER = 30


class Numbers(keras.utils.PyDataset):
    """Batch i holds the number i."""

    def __len__(self):
        return NUMBER

    def __getitem__(self, index):
        batch = np.full((1, 1), index, "float32")
        return batch, batch


class Seen(keras.metrics.Metric):
    """How often each number came."""

    def __init__(self):
        super().__init__(name="seen")
        self.count = self.add_variable((NUMBER,), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        number = keras.ops.cast(y_true[:, 0], "int32")
        self.count.assign_add(keras.ops.sum(keras.ops.one_hot(number, NUMBER), axis=0))

    def result(self):
        return keras.ops.sum(self.count)


def counts(workers, warm=False):
    x = keras.Input((1,))
    model, seen = keras.Model(x, keras.layers.Dense(1)(x)), Seen()
    model.compile("sgd", "mse", metrics=[seen])
    if warm:
        model.evaluate(np.ones((1, 1)), np.ones((1, 1)), verbose=0)
    model.evaluate(Numbers(workers=workers), verbose=0)
    return np.asarray(seen.count.value).astype(int)


print("keras", keras.__version__, "jax", jax.__version__, "Python", sys.version.split()[0])
plain, two, warm = counts(1), counts(2), counts(2, warm=True)
for name, found in (("workers=1", plain), ("workers=2", two), ("built first", warm)):
    print(f"{name:12}", *found)
once = np.ones(NUMBER, int)
same = all(np.array_equal(found, once) for found in (plain, warm))
sys.exit(0 if same and two.sum() == NUMBER and two.max() == 2 and two.min() == 0 else 1)
PROGRAM
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/program.py"
