#!/usr/bin/env bash
# jax2onnx: `jax.lax.dynamic_slice` moves a start that is too high or too low, so that the slice
# lies within the array. The ONNX file does not: it gives fewer rows than the slice has, or none.
#
# Seen with jax2onnx 0.17.1, jax 0.10.2, onnx 1.23.2 and onnxruntime 1.32.0 on Linux, Python 3.11.
# Two rows of 10, 20, 30, 40:
#
#   start 1    JAX [20.0, 30.0]   ONNX [20.0, 30.0]
#   start 3    JAX [30.0, 40.0]   ONNX [40.0]
#   start 9    JAX [30.0, 40.0]   ONNX []
#   start -9   JAX [10.0, 20.0]   ONNX [10.0]
#
# Why: the operation becomes the Slice of ONNX, which cuts off what lies outside. The shape that the
# file declares stays that of JAX, and onnxruntime only warns of the other one. Rows that are then
# summed or averaged hide the fault. No issue of jax2onnx tells of it.
#
# What to do instead: limit the start by `jax.numpy.clip` before, as in the second part.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet jax==0.10.2 jaxlib==0.10.2 jax2onnx==0.17.1 \
    onnx==1.23.2 onnxruntime==1.32.0

cat > "$folder/program.py" <<'PROGRAM'
import sys

import jax
import jax2onnx
import numpy as np
import onnxruntime


def as_it_is(x, start):
    return jax.lax.dynamic_slice_in_dim(x, start, 2)


def clipped(x, start):
    return jax.lax.dynamic_slice_in_dim(x, jax.numpy.clip(start, 0, 2), 2)


def file(call):
    """The function of the ONNX file of `call`."""
    specs = [jax.ShapeDtypeStruct((4,), "float32"), jax.ShapeDtypeStruct((), "int32")]
    onnx = jax2onnx.to_onnx(call, specs, opset=18)
    session = onnxruntime.InferenceSession(onnx.SerializeToString())
    names = [one.name for one in session.get_inputs()]
    return lambda *x: session.run(None, dict(zip(names, x, strict=True)))[0].tolist()


print("jax", jax.__version__, "Python", sys.version.split()[0])
x = np.array([10, 20, 30, 40], "float32")
seen = {}
for call in (as_it_is, clipped):
    converted = file(call)
    for start in (1, 3, 9, -9):
        right, found = call(x, np.int32(start)).tolist(), converted(x, np.array(start, "int32"))
        print(f"{call.__name__:9} start {start:2}   JAX {right}   ONNX {found}")
        seen[call.__name__, start] = found == right
wrong = [key for key, same in seen.items() if not same]
sys.exit(0 if wrong == [("as_it_is", start) for start in (3, 9, -9)] else 1)
PROGRAM
JAX_PLATFORMS=cpu \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
