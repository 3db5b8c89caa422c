#!/usr/bin/env bash
# Keras on PyTorch: `keras.ops.take(x, indices, axis)` with more than one index on an axis is
# exported to ONNX with a Squeeze of that axis. onnxruntime does not load the file.
#
# Seen with keras 3.15.1, torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2 and onnxruntime 1.32.0 on
# Linux, Python 3.11:
#
#   keras.ops.take   PyTorch [[0.0, 2.0], [4.0, 6.0]]   ONNX raised Fail
#   index_select     PyTorch [[0.0, 2.0], [4.0, 6.0]]   ONNX [[0.0, 2.0], [4.0, 6.0]]
#
# Why: Keras squeezes what `index_select` returns, whatever the number of indices, and then gives it
# the right shape. PyTorch leaves an axis of more than one entry as it is; ONNX calls it an error.
# With indices that are an input, of an open number, the file is loaded and fails when it is called.
# Issue 36796 of pytorch tells of such squeezes; none of Keras does.
#
# What to do instead: `torch.index_select`, or remove the operation from the exported program where
# its input and its result have as many axes.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 torch==2.13.0 onnx==1.23.2 \
    onnxscript==0.7.2 onnxruntime==1.32.0

cat > "$folder/program.py" <<'PROGRAM'
import sys

import keras
import numpy as np
import onnxruntime
import torch
from keras import ops

NODES = np.array([0, 2])


class Take(torch.nn.Module):
    def forward(self, x):
        return ops.take(x, NODES, axis=1)


class IndexSelect(torch.nn.Module):
    def forward(self, x):
        return x.index_select(1, torch.tensor(NODES))


def file(model, x):
    """What the ONNX file of `model` gives, or the error."""
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (x,), dynamic_shapes=({0: batch},), strict=False)
    onnx = torch.onnx.export(program, dynamo=True, verbose=False).model_proto
    try:
        session = onnxruntime.InferenceSession(onnx.SerializeToString())
        return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0].tolist()
    except Exception as error:
        return f"raised {type(error).__name__}: {str(error).split('Squeeze')[-1]}"


print("keras", keras.__version__, "torch", torch.__version__, "Python", sys.version.split()[0])
x = torch.arange(8.0).reshape(2, 4)
found = []
for model in (Take().eval(), IndexSelect().eval()):
    right, converted = model(x).tolist(), file(model, x)
    print(f"{type(model).__name__:12} PyTorch {right}   ONNX {converted}")
    found += [right, converted]
taken = [[0, 2], [4, 6]]
failed = str(found[1]).startswith("raised Fail")
sys.exit(0 if failed and found[0] == found[2] == found[3] == taken else 1)
PROGRAM
KERAS_BACKEND=torch CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
