#!/usr/bin/env bash
# keras-tuner: `seed=0` is no seed. A search with it draws other trials each time; with `seed=1` it
# draws the same.
#
# Seen with keras-tuner 1.4.8 and keras 3.15.1 on Linux, Python 3.11. The first values that three new
# random searches draw for one hyperparameter from 0 to 10^6 (the first line differs in each run):
#
#   seed=0  [507072, 443338, 682756]
#   seed=1  [956035, 956035, 956035]
#
# Why: an oracle takes `seed or random.randint(...)`, so that 0 counts as not given. The oracle then
# stores the number that it drew, and a search that is loaded again goes on with this one.
#
# What to do instead: pass `seed + 1`, or any number except 0.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 keras-tuner==1.4.8 six==1.17.0 \
    jax==0.10.2 jaxlib==0.10.2

cat > "$folder/program.py" <<'PROGRAM'
import sys
import tempfile

import keras
import keras_tuner


def drawn(seed):
    """The value that the first trial of a new search has."""
    hp = keras_tuner.HyperParameters()
    hp.Int("size", 0, 10**6)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        "loss", max_trials=3, seed=seed, hyperparameters=hp
    )
    oracle._set_project_dir(tempfile.mkdtemp(), "search")
    oracle.create_trial("one")  # the default value
    return oracle.create_trial("two").hyperparameters.get("size")


print("keras-tuner", keras_tuner.__version__, "keras", keras.__version__)
zero, one = ([drawn(seed) for _ in range(3)] for seed in (0, 1))
print("seed=0 ", zero)
print("seed=1 ", one)
sys.exit(0 if len(set(zero)) > 1 and len(set(one)) == 1 else 1)
PROGRAM
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/program.py"
