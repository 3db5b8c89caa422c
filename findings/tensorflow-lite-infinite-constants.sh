#!/usr/bin/env bash
# TensorFlow Lite: the converter replaces an infinite constant by the largest float, 3.4e38. In the
# file, `tf.math.is_inf` is therefore always False.
#
# Seen with tensorflow 2.21.0 and ai-edge-litert 2.3.0 on Linux, Python 3.11. Of 1, inf and -inf:
#
#   is_inf(x)              TensorFlow [False, True, True]   file [False, False, False]
#   x == inf               TensorFlow [False, True, False]   file [False, False, False]
#   where(x > 0, inf, x)   TensorFlow [inf, inf, -inf]   file [3.4e+38, 3.4e+38, -inf]
#   abs(x) > 3.4e38        TensorFlow [False, True, True]   file [False, True, True]
#
# Why: is_inf is written as a comparison with a constant. Infinity in the inputs stays infinite, and
# differs from the constant. Issue 45312 of tensorflow told of a division by the constant 0 that
# gives 3.4e38, and is closed.
#
# What to do instead: compare with a large finite number by > or <.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0 ai-edge-litert==2.3.0

cat > "$folder/program.py" <<'PROGRAM'
import sys

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter


def file(call, x):
    """What the converted `call` gives for `x`."""
    function = tf.function(call, [tf.TensorSpec(x.shape, x.dtype)], autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    model = Interpreter(model_content=converter.convert())
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], x)
    model.invoke()
    return model.get_tensor(model.get_output_details()[0]["index"]).tolist()


print("tensorflow", tf.__version__, "Python", sys.version.split()[0])
x = np.array([1, np.inf, -np.inf], "float32")
largest = float(np.finfo("float32").max)
expected = {
    "is_inf(x)": (tf.math.is_inf, [False, False, False]),
    "x == inf": (lambda x: tf.equal(x, np.inf), [False, False, False]),
    "where(x > 0, inf, x)": (lambda x: tf.where(x > 0, np.inf, x), [largest, largest, -np.inf]),
    "abs(x) > 3.4e38": (lambda x: tf.abs(x) > 3.4e38, [False, True, True]),
}
as_expected = True
for name, (call, seen) in expected.items():
    right, found = call(tf.constant(x)).numpy().tolist(), file(call, x)
    print(f"{name:22} TensorFlow {right}   file {found}")
    as_expected &= found == seen and (found == right) == (name == "abs(x) > 3.4e38")
sys.exit(0 if as_expected else 1)
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
