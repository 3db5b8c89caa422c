#!/usr/bin/env bash
# tf2onnx: in `tf.math.unsorted_segment_sum`, TensorFlow leaves out rows whose id is negative, as
# edges that only fill up a list. In the ONNX file they belong to the last segment. `tf.one_hot`
# likewise: -1 is no class in TensorFlow, and the last one in the file.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2 and onnxruntime 1.32.0 on Linux, Python
# 3.11. The rows 1, 2 and 4 with the ids 0, -1 and 0, in three segments:
#
#   unsorted_segment_sum   TensorFlow [5.0, 0.0, 0.0]   ONNX [5.0, 0.0, 2.0]
#   unsorted_segment_mean  TensorFlow [2.5, 0.0, 0.0]   ONNX [2.5, 0.0, 2.0]
#   one_hot of -1          TensorFlow [0.0, 0.0, 0.0]   ONNX [0.0, 0.0, 1.0]
#   a segment more         TensorFlow [5.0, 0.0, 0.0]   ONNX [5.0, 0.0, 0.0]
#
# Why: ONNX counts negative indices from the end, and the converter writes them as they are. No
# issue of tf2onnx tells of it.
#
# What to do instead: give these rows a segment of their own and cut it off, as in the last case.
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
values, ids = np.array([[1], [2], [4]], "float32"), np.array([0, -1, 0], "int32")


def segment_more(x, ids):
    return tf.math.unsorted_segment_sum(x, tf.where(ids < 0, 3, ids), 4)[:3]


cases = {
    "unsorted_segment_sum": (lambda x, i: tf.math.unsorted_segment_sum(x, i, 3), values, ids),
    "unsorted_segment_mean": (lambda x, i: tf.math.unsorted_segment_mean(x, i, 3), values, ids),
    "one_hot of -1": (lambda i: tf.one_hot(i, 3), np.array([-1], "int32")),
    "a segment more": (segment_more, values, ids),
}
as_expected = True
for name, (call, *x) in cases.items():
    right, found = both(call, *x)
    print(f"{name:22} TensorFlow {right}   ONNX {found}")
    as_expected &= found[:2] == right[:2]
    as_expected &= (found[2] == right[2]) == (name == "a segment more")
sys.exit(0 if as_expected else 1)
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
