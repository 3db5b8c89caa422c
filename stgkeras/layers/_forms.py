"""Where a product takes a form of its own on PyTorch, and the gradients that such a form has.

A form of its own is faster than what PyTorch derives from the portable one, which stands beside it
in operations that PyTorch can differentiate. The portable one serves where more is asked for than
values and gradients of plain tensors.
"""

import sys


def takes_own_form(*tensors, on_any_device=False):
    """Whether a form of its own may be taken on PyTorch.

    That is so for plain tensors of one type, float32 or float64, on the CPU, and not where PyTorch
    compiles or exports, casts by itself (`torch.autocast`), carries tangents along (forward-mode
    derivatives), transforms functions (`torch.func`) or takes gradients in batches.

    Args:
        tensors: floating tensors, or None.
        on_any_device: whether the form serves accelerators too.
    """
    import torch

    tensors = [tensor for tensor in tensors if tensor is not None]
    if (
        torch.compiler.is_compiling()
        or _is_cast(tensors[0])
        or torch.autograd.forward_ad._current_level >= 0
        or torch._C._are_functorch_transforms_active()
    ):
        return False
    dtype = tensors[0].dtype
    return dtype in (torch.float32, torch.float64) and all(
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and not torch._C._functorch.is_legacy_batchedtensor(tensor)
        and tensor.dtype == dtype
        and (on_any_device or tensor.device.type == "cpu")
        for tensor in tensors
    )


def _is_cast(tensor):
    """Whether PyTorch casts by itself on the tensor's device."""
    import torch

    device = tensor.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def own_form(portable, forward, backward):
    """`portable` with passes of its own, whose gradients can be differentiated again.

    A pass backward that is to be differentiated again, or that works on other than plain tensors,
    goes through the portable form.

    Args:
        portable: function(*arguments) of tensors and others, returns a tensor or a tuple of them.
        forward: function(*arguments), returns what `portable` does, and a list of tensors or None
            to keep for the pass backward. It tracks no gradients.
        backward: function(wanted, arguments, kept, *upstream), returns a gradient or None for each
            argument. `wanted` tells for each argument whether its gradient is used.

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
        if _is_cast(upstream[0]):  # what the pass forward took as it was
            with torch.autocast(upstream[0].device.type, enabled=False):
                return gradients(wanted, arguments, kept, *upstream)
        return gradients(wanted, arguments, kept, *upstream)

    def gradients(wanted, arguments, kept, *upstream):
        if torch.is_grad_enabled() or not takes_own_form(*upstream, on_any_device=True):
            return _derived(portable, wanted, arguments, upstream)
        return backward(wanted, arguments, kept, *upstream)

    def apply(*arguments):
        return Own.apply(*arguments)

    return lambda *arguments: _uncompiled(apply)(*arguments)


def _uncompiled(function):
    """`function`, into which PyTorch's compiler does not look, where it is at work. In parts that
    it leaves to Python it compiles one function after the other, and would cut gradients off."""
    import torch

    if "torch._dynamo" not in sys.modules:
        return function
    if not hasattr(function, "uncompiled"):
        function.uncompiled = torch.compiler.disable(function)
    return function.uncompiled


def _derived(portable, wanted, arguments, upstream):
    """The gradients as PyTorch derives them, which it can differentiate again."""
    import torch

    is_differentiated_again = torch.is_grad_enabled()
    with torch.enable_grad():
        # As views of their own: arguments may depend on each other.
        arguments = [
            argument.view_as(argument) if is_wanted else argument
            for argument, is_wanted in zip(arguments, wanted, strict=True)
        ]
        sources = [
            argument for argument, is_wanted in zip(arguments, wanted, strict=True) if is_wanted
        ]
        results = portable(*arguments)
        results = results if isinstance(results, tuple) else (results,)
        # Away from TensorFlow, Keras computes in float32 what is given in float64.
        upstream = [g.to(y.dtype) for g, y in zip(upstream, results, strict=True)]
        found = torch.autograd.grad(
            results, sources, upstream, create_graph=is_differentiated_again
        )
    found = iter(found)
    return tuple(next(found) if is_wanted else None for is_wanted in wanted)
