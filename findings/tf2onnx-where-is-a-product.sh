#!/usr/bin/env bash
# tf2onnx: `tf.where(mask, x, 0)` is written as mask * x + (1 - mask) * 0. So NaN and infinity come
# out of the ONNX file where the mask hides them: a model that fills missing readings forecasts NaN.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2 and onnxruntime 1.32.0 on Linux, Python
# 3.11. The mask hides the first two numbers:
#
#   where(mask, x, 0)      TensorFlow [0.0, 0.0, 3.0]   ONNX [nan, nan, 3.0]
#   where(is_nan(x), 0, x) TensorFlow [0.0, inf, 3.0]   ONNX [0.0, inf, 3.0]
#   gather                 TensorFlow [0.0, 0.0, 3.0]   ONNX [0.0, 0.0, 3.0]
#
# Why: the converter prefers a product to the operation Where, for speed, unless it sees that NaN is
# looked for in the same place. Issue 1988 of tensorflow-onnx told of it; the fix of 2022 knows more
# such places, and a mask that is an input, or is_finite, is none of them.
#
# What to do instead: write the condition as `is_nan(x)` with the other value first; or take the
# value from both with `tf.gather`, as below.
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
x, mask = np.array([np.nan, np.inf, 3], "float32"), np.array([False, False, True])


def gather(x, mask):
    pairs = tf.stack([tf.zeros_like(x), x], axis=1)
    return tf.gather(pairs, tf.cast(mask, "int32"), axis=1, batch_dims=1)


as_expected = True
for name, call, differs in (
    ("where(mask, x, 0)", lambda x, mask: tf.where(mask, x, 0.0), True),
    ("where(is_nan(x), 0, x)", lambda x, mask: tf.where(tf.math.is_nan(x), 0.0, x), False),
    ("gather", gather, False),
):
    right, found = both(call, x, mask)
    print(f"{name:22} TensorFlow {right}   ONNX {found}")
    as_expected &= (found != right) == differs
    if differs:
        as_expected &= np.isnan(found).tolist() == [True, True, False]
sys.exit(0 if as_expected else 1)
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
