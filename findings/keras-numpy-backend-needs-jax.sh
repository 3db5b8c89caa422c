#!/usr/bin/env bash
# Keras: the NumPy backend cannot be imported without SciPy and JAX, which the package does not ask
# for. It is meant for computations without a framework, as on a small server, but imports the FFT of
# its JAX backend.
#
# Seen with keras 3.15.1 on Linux, Python 3.11:
#
#   keras alone             ModuleNotFoundError: No module named 'scipy'
#   with scipy 1.17.1       ModuleNotFoundError: No module named 'jax'
#   with scipy and jax      imported
#
# What to do instead: install `scipy` and `jax`, or write what needs no framework in NumPy alone.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"

pip="$folder/venv/bin/python -m pip"
try() {
    local found
    found=$(KERAS_BACKEND=numpy "$folder/venv/bin/python" -c "import keras" 2>&1 | tail -1) || true
    printf '%-24s%s\n' "$1" "${found:-imported}" | tee -a "$folder/seen"
}

$pip install --quiet keras==3.15.1 numpy==2.4.6
try "keras alone"
$pip install --quiet scipy==1.17.1
try "with scipy 1.17.1"
$pip install --quiet jax==0.10.2 jaxlib==0.10.2
try "with scipy and jax"

diff "$folder/seen" - <<'SEEN'
keras alone             ModuleNotFoundError: No module named 'scipy'
with scipy 1.17.1       ModuleNotFoundError: No module named 'jax'
with scipy and jax      imported
SEEN
