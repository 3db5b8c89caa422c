#!/usr/bin/env bash
# jax2onnx: after one conversion, of whatever function, `jax.numpy.cumsum(x, 1)` raises an error in
# the whole process. While it converts, `jax.numpy.take(x, i, 1)` and `jax.numpy.arange(4, None)`
# fail too.
#
# Seen with jax2onnx 0.17.1 and jax 0.10.2 on Linux, Python 3.11:
#
#   before a conversion   cumsum, take and arange work
#   within a conversion   cumsum: TypeError, take: TypeError, arange: TypeError
#   after a conversion    cumsum: TypeError, take and arange work
#   traced before         take and arange are converted
#
# Why: the package replaces functions of jax.numpy by its own while it traces, and those take fewer
# arguments by position. It puts the others back, and not `cumsum`. No issue of jax2onnx tells of
# it.
#
# What to do instead: pass arguments by name, as `axis=1`; convert in a process of its own; and
# trace the function with `jax.make_jaxpr` first, then convert the function of its operations, as
# below.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet jax==0.10.2 jaxlib==0.10.2 jax2onnx==0.17.1

cat > "$folder/program.py" <<'PROGRAM'
import sys

import jax
import jax.numpy as jnp
import jax2onnx
from jax.extend.core import jaxpr_as_fun

calls = {
    "cumsum": lambda x: jnp.cumsum(x, 1),
    "take": lambda x: jnp.take(x, jnp.array([1]), 1),
    "arange": lambda x: x + jnp.arange(4, None, dtype="float32"),
}
spec = jax.ShapeDtypeStruct((2, 4), "float32")
x = jnp.ones((2, 4))


def raised(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "works"


def convert(call):
    return jax2onnx.to_onnx(call, [spec], opset=18)


print("jax", jax.__version__, "Python", sys.version.split()[0])
seen = {"before": {name: raised(lambda call=call: call(x)) for name, call in calls.items()}}
traced = {name: jaxpr_as_fun(jax.make_jaxpr(calls[name])(spec)) for name in ("take", "arange")}
convert(lambda x: x + 1)
seen["after"] = {name: raised(lambda call=call: call(x)) for name, call in calls.items()}
seen["within"] = {name: raised(lambda call=call: convert(call)) for name, call in calls.items()}
seen["traced before"] = {
    name: raised(lambda call=call: convert(lambda x: call(x)[0])) for name, call in traced.items()
}
for when, found in seen.items():
    print(f"{when:14}{found}")
expected = {
    "before": {"cumsum": "works", "take": "works", "arange": "works"},
    "after": {"cumsum": "TypeError", "take": "works", "arange": "works"},
    "within": {"cumsum": "TypeError", "take": "TypeError", "arange": "TypeError"},
    "traced before": {"take": "works", "arange": "works"},
}
sys.exit(0 if seen == expected else 1)
PROGRAM
JAX_PLATFORMS=cpu \
    "$folder/venv/bin/python" "$folder/program.py" 2> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
