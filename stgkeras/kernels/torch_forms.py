"""Fast forms on PyTorch: functions with a backward pass of their own.

Each function also has a portable form, written in operations that PyTorch can differentiate. The
portable form is used if more is needed than the values and gradients of plain tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from stgkeras.kernels import dispatch


def own_form(
    portable: Callable[..., Any], forward: Callable[..., Any], backward: Callable[..., Any]
) -> Callable[..., Any]:
    """Returns the function `portable` with a faster forward and backward pass.

    The backward pass goes through `portable` if its gradients are differentiated again, or if
    `takes_fast_form` refuses the upstream gradients.

    Args:
        portable: function(*arguments) of tensors and other values, which returns a tensor or a
            tuple of tensors.
        forward: function(*arguments), which returns the result of `portable`, and a list of tensors
            or None that the backward pass needs. It tracks no gradients.
        backward: function(wanted, arguments, kept, *upstream), which returns a gradient or None for
            each argument. `wanted` is a bool for each argument: whether its gradient is used.

    Returns:
        function(*arguments).
    """
    import torch

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *arguments):
            y, kept = forward(*arguments)
            is_tensor = [isinstance(argument, torch.Tensor) for argument in arguments]
            pairs = list(zip(arguments, is_tensor, strict=True))
            ctx.others = [None if is_one else argument for argument, is_one in pairs]
            tensors = [argument if is_one else None for argument, is_one in pairs]
            ctx.save_for_backward(*tensors, *kept)
            return y

        @staticmethod
        def backward(ctx, *upstream):
            return _uncompiled(pass_backward)(ctx, *upstream)

    def pass_backward(ctx, *upstream):
        saved, count = ctx.saved_tensors, len(ctx.others)
        arguments = [
            other if tensor is None else tensor
            for tensor, other in zip(saved[:count], ctx.others, strict=True)
        ]
        wanted, kept = ctx.needs_input_grad, saved[count:]
        if dispatch.is_cast_by_torch(upstream[0]):  # the forward pass ran without autocast
            with torch.autocast(upstream[0].device.type, enabled=False):
                return gradients(wanted, arguments, kept, *upstream)
        return gradients(wanted, arguments, kept, *upstream)

    def gradients(wanted, arguments, kept, *upstream):
        if torch.is_grad_enabled() or not dispatch.takes_fast_form(*upstream, on_any_device=True):
            return _derived(portable, wanted, arguments, upstream)
        return backward(wanted, arguments, kept, *upstream)

    def apply(*arguments):
        return Own.apply(*arguments)

    return lambda *arguments: _uncompiled(apply)(*arguments)


def _uncompiled(function):
    """Returns the function in a form that PyTorch's compiler does not compile.

    If the compiler cannot compile a part of a model, it runs this part in Python, and compiles the
    functions that the part calls. Compilation would remove the gradients of this function.
    """
    import torch

    if "torch._dynamo" not in sys.modules:
        return function
    if not hasattr(function, "uncompiled"):
        function.uncompiled = torch.compiler.disable(function)
    return function.uncompiled


def _derived(portable, wanted, arguments, upstream):
    """Computes the gradients of `portable` with PyTorch. The gradients are differentiable."""
    import torch

    is_differentiated_again = torch.is_grad_enabled()
    with torch.enable_grad():
        # One argument may be computed from another argument. With views, the gradient of each
        # argument does not include the path through the others.
        arguments = [
            argument.view_as(argument) if is_wanted else argument
            for argument, is_wanted in zip(arguments, wanted, strict=True)
        ]
        sources = [
            argument for argument, is_wanted in zip(arguments, wanted, strict=True) if is_wanted
        ]
        results = portable(*arguments)
        results = results if isinstance(results, tuple) else (results,)
        # On PyTorch, Keras computes products of float64 tensors in float32.
        upstream = [g.to(y.dtype) for g, y in zip(upstream, results, strict=True)]
        found = torch.autograd.grad(
            results, sources, upstream, create_graph=is_differentiated_again
        )
    found = iter(found)
    return tuple(next(found) if is_wanted else None for is_wanted in wanted)
