#!/usr/bin/env bash
# Keras: with the JAX backend, `keras.utils.set_random_seed` and `model.save` import TensorFlow if it
# is installed, though `import keras`, `fit` and `predict` do not. This takes seconds, and TensorFlow
# prints its log.
#
# Seen with keras 3.15.1, jax 0.10.2 and tensorflow 2.21.0 on Linux, Python 3.11. "True": TensorFlow
# has been imported.
#
#   import keras            False
#   fit and predict         False
#   set_random_seed         True
#   save (a new process)    True
#
# What to do instead: install only one backend, or set `sys.modules["tensorflow"] = None` before Keras
# is imported. Keras then sees TensorFlow as not installed.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip="$folder/venv/bin/python -m pip"
$pip install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
$pip install --quiet jax==0.10.2 jaxlib==0.10.2

cat > "$folder/run.py" <<'PYTHON'
import sys

import keras
import numpy as np


def tell(step):
    print(f"{step:24}{'tensorflow' in sys.modules}", flush=True)


model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
if sys.argv[1] == "seed":
    tell("import keras")
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    model.predict(np.ones((4, 2)), verbose=0)
    tell("fit and predict")
    keras.utils.set_random_seed(0)
    tell("set_random_seed")
else:
    model.save(sys.argv[2])
    tell("save (a new process)")
PYTHON

export KERAS_BACKEND=jax TF_CPP_MIN_LOG_LEVEL=3
for part in seed save; do
    "$folder/venv/bin/python" "$folder/run.py" "$part" "$folder/model.keras" 2> /dev/null
done | tee "$folder/seen"

diff "$folder/seen" - <<'SEEN'
import keras            False
fit and predict         False
set_random_seed         True
save (a new process)    True
SEEN
