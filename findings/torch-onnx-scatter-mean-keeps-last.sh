#!/usr/bin/env bash
# torch.onnx: `scatter_reduce` with "mean" is exported without an error or a warning as an operation
# that keeps the last value of each place. A graph network that takes the mean over the edges of a
# node so forecasts from one edge.
#
# Seen with torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2 and onnxruntime 1.32.0 on Linux, Python
# 3.11. The mean of 1, 2 and 9 at place 0, and of 5 at place 2:
#
#   scatter_reduce mean  PyTorch [4.0, 0.0, 5.0]   ONNX [9.0, 0.0, 5.0]
#   sum by count         PyTorch [4.0, 0.0, 5.0]   ONNX [4.0, 0.0, 5.0]
#
# Why: ONNX has a sum, product, maximum and minimum for ScatterElements, and no mean. The exporter
# writes "mean" as "none", which overwrites. The checker of ONNX finds no fault in the file. Issue
# 101535 of pytorch says that the mean is not supported, and no issue that it is written like this.
#
# What to do instead: the sum with `scatter_add`, divided by the number, as below.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 onnx==1.23.2 \
    onnxscript==0.7.2 onnxruntime==1.32.0

cat > "$folder/program.py" <<'PROGRAM'
import sys

import onnx
import onnxruntime
import torch


class Mean(torch.nn.Module):
    """The mean of the edges that end in each node."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def forward(self, x, ends):
        start = torch.zeros(3)
        if not self.counts:
            return start.scatter_reduce(0, ends, x, "mean", include_self=False)
        number = start.scatter_add(0, ends, torch.ones_like(x))
        return start.scatter_add(0, ends, x) / number.clamp(min=1)


print("torch", torch.__version__, "onnx", onnx.__version__, "Python", sys.version.split()[0])
x, ends = torch.tensor([1.0, 2.0, 9.0, 5.0]), torch.tensor([0, 0, 0, 2])
seen = []
for name, counts in (("scatter_reduce mean", False), ("sum by count", True)):
    model = Mean(counts).eval()
    program = torch.onnx.export(model, (x, ends), dynamo=True, verbose=False).model_proto
    onnx.checker.check_model(program, full_check=True)
    session = onnxruntime.InferenceSession(program.SerializeToString())
    names = [one.name for one in session.get_inputs()]
    found = session.run(None, dict(zip(names, (x.numpy(), ends.numpy()), strict=True)))[0].tolist()
    right = model(x, ends).tolist()
    print(f"{name:20} PyTorch {right}   ONNX {found}")
    seen += [right, found]
mean, last = [4, 0, 5], [9, 0, 5]
sys.exit(0 if seen == [mean, last, mean, mean] else 1)
PROGRAM
CUDA_VISIBLE_DEVICES= \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
