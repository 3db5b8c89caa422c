#!/usr/bin/env bash
# tf2onnx: `//` and `%` of integers round towards minus infinity in TensorFlow and towards 0 in the
# ONNX file. A step counted back from midnight, as (step - 3) % 288, becomes negative there, and as
# an index reads another row, for ONNX counts negative indices from the end.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2 and onnxruntime 1.32.0 on Linux, Python
# 3.11. Of -4, -1, 0 and 4:
#
#   x // 3 int32    TensorFlow [-2, -1, 0, 1]   ONNX [-1, 0, 0, 1]
#   x % 3  int32    TensorFlow [2, 2, 0, 1]   ONNX [-1, -1, 0, 1]
#   of float32, both are the same
#
# Why: both become the division of ONNX, which cuts off the fraction of integers. Only that of
# floats is followed by Floor. Issue 2174 of tensorflow-onnx tells of `//`, and is open.
#
# What to do instead: add a multiple of the divisor that leaves no negative number, or use floats.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0 tf2onnx==1.17.0 \
    onnx==1.23.2 onnxruntime==1.32.0

cat > "$folder/program.py" <<'PROGRAM'
import sys

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def both(call, *x):
    """What TensorFlow and the ONNX file give for `x`."""
    spec = [tf.TensorSpec(one.shape, one.dtype, name=f"x{i}") for i, one in enumerate(x)]
    function = tf.function(call, spec, autograph=False)
    onnx, _ = tf2onnx.convert.from_function(function, spec, opset=18)
    file = onnxruntime.InferenceSession(onnx.SerializeToString())
    found = file.run(None, {f"x{i}": one for i, one in enumerate(x)})[0]
    return call(*map(tf.constant, x)).numpy().ravel().tolist(), found.ravel().tolist()


print("tf2onnx", tf2onnx.__version__, "tensorflow", tf.__version__, "Python", sys.version.split()[0])
whole = np.array([-4, -1, 0, 4], "int32")
cases = {
    "x // 3": lambda x: x // 3,
    "x % 3": lambda x: x % 3,
    "(x + 300) % 3": lambda x: (x + 300) % 3,
}
as_expected = True
for name, call in cases.items():
    for x in (whole, whole.astype("float32")):
        right, found = both(call, x)
        print(f"{name:13} {x.dtype!s:8} TensorFlow {right}   ONNX {found}")
        differs = name != "(x + 300) % 3" and x.dtype == "int32"
        as_expected &= (found != right) == differs and found[2:] == right[2:]
sys.exit(0 if as_expected else 1)
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
