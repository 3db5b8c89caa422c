#!/usr/bin/env bash
# Keras on PyTorch: `keras.ops.segment_sum` and `segment_max` round integers above 2^24 and numbers
# of float64, without a word, because they compute in float32 whatever they are given. The result
# has the dtype of the data, so that nothing shows it. On JAX the same integers are exact.
#
# Seen with keras 3.15.1 and torch 2.13.0 on Linux, Python 3.11:
#
#   of int32     2^24 + 1 as a sum of two: 16777216, as a maximum: 16777216, expected 16777217
#   of float64   1 + 1e-9: 1.0, dtype float64, expected 1.000000001
#
# What to do instead: `torch.zeros(segments, dtype=data.dtype).index_add(0, ids, data)`, or
# `torch.Tensor.index_reduce` with "amax", which keep the dtype; or ids and counts below 2^24.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 torch==2.13.0

cat > "$folder/program.py" <<'PROGRAM'
import sys

import keras
import numpy as np
import torch
from keras import ops

print("keras", keras.__version__, "torch", torch.__version__, "Python", sys.version.split()[0])
ids = np.array([0, 0])
exact = 2**24 + 1
total = int(ops.segment_sum(np.array([2**24, 1], "int32"), ids, num_segments=1)[0])
highest = int(ops.segment_max(np.array([0, exact], "int32"), ids, num_segments=1)[0])
print(f"of int32     sum {total}, maximum {highest}, expected {exact}")
fine = ops.segment_sum(torch.tensor([1, 1e-9], dtype=torch.float64), ids, num_segments=1)
print(f"of float64   {float(fine[0])!r}, {fine.dtype}, expected {1 + 1e-9!r}")
data, places = torch.tensor([2**24, 1], dtype=torch.int32), torch.tensor(ids)
instead = torch.zeros(1, dtype=torch.int32).index_add(0, places, data)
print("index_add   ", int(instead[0]))
rounded = total == 2**24 and highest == 2**24 and float(fine[0]) == 1.0
sys.exit(0 if rounded and fine.dtype == torch.float64 and int(instead[0]) == exact else 1)
PROGRAM
KERAS_BACKEND=torch CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" "$folder/program.py"
