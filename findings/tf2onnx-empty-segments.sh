#!/usr/bin/env bash
# tf2onnx: a segment without rows is 0 in `tf.math.segment_mean`, `segment_max` and `segment_min`,
# as TensorFlow's documentation says. In the ONNX file it is NaN or infinite.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2 and onnxruntime 1.32.0 on Linux, Python
# 3.11. The rows 1, 2 and 4 with the ids 0, 0 and 2, so that none belongs to segment 1:
#
#   segment_mean           TensorFlow [1.5, 0.0, 4.0]   ONNX [1.5, nan, 4.0]
#   segment_max            TensorFlow [2.0, 0.0, 4.0]   ONNX [2.0, -inf, 4.0]
#   segment_min            TensorFlow [1.0, 0.0, 4.0]   ONNX [1.0, inf, 4.0]
#   unsorted_segment_mean  TensorFlow [1.5, 0.0, 4.0]   ONNX [1.5, 0.0, 4.0]
#
# Why: the converter divides by the number of rows, 0 by 0, and leaves the start value of a maximum
# where nothing is compared with it. No issue of tf2onnx tells of it.
#
# What to do instead: `tf.math.unsorted_segment_mean`, which is right in both; and for a maximum or
# minimum, see that each node has an edge, as one from itself.
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
values, ids = np.array([[1], [2], [4]], "float32"), np.array([0, 0, 2], "int32")
cases = {
    "segment_mean": (tf.math.segment_mean, "nan"),
    "segment_max": (tf.math.segment_max, "-inf"),
    "segment_min": (tf.math.segment_min, "inf"),
    "unsorted_segment_mean": (lambda x, i: tf.math.unsorted_segment_mean(x, i, 3), "0.0"),
}
as_expected = True
for name, (segments, empty) in cases.items():
    right, found = both(lambda x, i, segments=segments: segments(x, i), values, ids)
    print(f"{name:22} TensorFlow {right}   ONNX {found}")
    as_expected &= found[0] == right[0] and found[2] == right[2]
    as_expected &= right[1] == 0 and str(found[1]) == empty
sys.exit(0 if as_expected else 1)
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
