#!/usr/bin/env bash
# Keras on PyTorch: a Keras layer under `torch.utils.checkpoint.checkpoint(..., use_reentrant=False)`
# keeps the values of its second computation after the backward pass, until Python collects garbage.
# Checkpoints are used to save memory; here the next step needs more than without them.
#
# Seen with keras 3.15.1 and torch 2.13.0 on Linux, Python 3.11: MB of tensors that five steps leave
# behind, of a network with two Dense layers and 8 MB of activations.
#
#   torch.nn layers                          0 MB
#   Keras layers                           126 MB
#   Keras layers, traceback filtering off    0 MB
#   Keras layers, early stop off             0 MB
#
# Why: by default the second computation ends as soon as it has what the backward pass needs, by an
# exception. Keras catches exceptions in the call of a layer and raises them again, with a traceback
# that refers to the frames; frames and exception refer to each other, and the frames to the values.
#
# Issue 161186 of pytorch tells of another leak by this exception; none of Keras was found.
#
# What to do instead: call `checkpoint` in `with set_checkpoint_early_stop(False):`, of the same
# module. The second computation then takes a little longer and ends without an exception.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 torch==2.13.0

cat > "$folder/program.py" <<'PROGRAM'
import contextlib
import gc
import sys

import keras
import torch
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

X = torch.randn(4096, 512)  # 8 MB


def left_behind(layers, stop_early=True):
    """MB of the tensors that five steps leave for the collector of garbage."""
    network = lambda x: layers[1](torch.relu(layers[0](x)))  # noqa: E731

    def step():
        x = X.clone().requires_grad_()
        early = contextlib.nullcontext() if stop_early else set_checkpoint_early_stop(False)
        with early:
            y = checkpoint(network, x, use_reentrant=False)
        y.sum().backward()

    def living():
        tensors = [one for one in gc.get_objects() if isinstance(one, torch.Tensor)]
        return sum({one.data_ptr(): one.nbytes for one in tensors}.values()) / 1e6

    step()
    gc.collect()
    gc.disable()
    before = living()
    for _ in range(5):
        step()
    found = living() - before
    gc.enable()
    return round(found)


def of_keras():
    return [keras.layers.Dense(512) for _ in range(2)]


print("keras", keras.__version__, "torch", torch.__version__, "Python", sys.version.split()[0])
found = {"torch.nn layers": left_behind([torch.nn.Linear(512, 512) for _ in range(2)])}
found["Keras layers"] = left_behind(of_keras())
keras.config.disable_traceback_filtering()
found["Keras layers, traceback filtering off"] = left_behind(of_keras())
keras.config.enable_traceback_filtering()
found["Keras layers, early stop off"] = left_behind(of_keras(), stop_early=False)
for name, size in found.items():
    print(f"{name:38} {size:4} MB")
sys.exit(0 if found.pop("Keras layers") > 20 and not any(found.values()) else 1)
PROGRAM
KERAS_BACKEND=torch CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
