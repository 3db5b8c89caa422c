#!/usr/bin/env bash
# TensorFlow with oneDNN: in a tf.function, NaN is 0 after a rectifier that follows a convolution or
# a matrix product and its bias. A network fed with NaN so gives plausible numbers, and `evaluate` of
# Keras a finite loss. Called eagerly, or compiled by XLA, or with TF_ENABLE_ONEDNN_OPTS=0, the same
# function gives NaN.
#
# Seen with tensorflow 2.21.0 on Linux, Python 3.11, on an x86 processor with AVX-512, on which
# oneDNN is on by default:
#
#   oneDNN  relu(x @ w + b)    eager nan   tf.function 0.0   XLA nan
#   oneDNN  relu(conv(x) + b)  eager nan   tf.function 0.0   XLA nan
#   plain   both               eager nan   tf.function nan   XLA nan
#
# Why: the graph optimizer fuses the three operations into one of oneDNN's, whose rectifier takes
# the larger of 0 and NaN to be 0.
#
# What to do instead: look for NaN on the host, in what goes in; do not wait for it to come out.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0

cat > "$folder/program.py" <<'PROGRAM'
import os
import sys

import numpy as np
import tensorflow as tf

kind = {"1": "oneDNN", "0": "plain"}[os.environ["TF_ENABLE_ONEDNN_OPTS"]]
weights, bias = tf.Variable(np.ones((2, 3), "float32")), tf.Variable(np.zeros(3, "float32"))
kernel = tf.Variable(np.ones((1, 1, 2, 3), "float32"))


def dense(x):
    return tf.nn.relu(tf.nn.bias_add(tf.matmul(x, weights), bias))


def conv(x):
    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias))


print("tensorflow", tf.__version__, "Python", sys.version.split()[0])
as_expected = True
for name, function, shape in (("x @ w", dense, (1, 2)), ("conv(x)", conv, (1, 2, 2, 2))):
    x = np.full(shape, np.nan, "float32")
    ways = {
        "eager": function,
        "tf.function": tf.function(function),
        "XLA": tf.function(function, jit_compile=True),
    }
    found = {way: float(np.ravel(call(x))[0]) for way, call in ways.items()}
    print(kind, f"relu({name} + b)", found)
    lost = kind == "oneDNN"
    as_expected &= np.isnan(found["eager"]) and np.isnan(found["XLA"])
    as_expected &= found["tf.function"] == 0 if lost else np.isnan(found["tf.function"])
sys.exit(0 if as_expected else 1)
PROGRAM
for setting in 1 0; do
    TF_ENABLE_ONEDNN_OPTS=$setting TF_CPP_MIN_LOG_LEVEL=3 \
        "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
        { cat "$folder/log"; exit 1; }
done
