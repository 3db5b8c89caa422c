"""Chooses between the portable form of a function and the fast form of a backend.

A portable form is written in `keras.ops`, or on PyTorch in operations that PyTorch can
differentiate. It is correct in all cases. A fast form is written for one backend. The function
`takes_fast_form` decides between the two.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import keras

from stgkeras.types import Tensor

_portable_only = contextvars.ContextVar("portable_only", default=False)


@contextlib.contextmanager
def portable_forms() -> Iterator[None]:
    """Context manager that turns off the fast code of single backends, for example for export.

    Some functions of `stgkeras.kernels` have a portable form, which works on every backend, and a
    faster form for one backend. Inside this context every function uses its portable form.
    """
    token = _portable_only.set(True)
    try:
        yield
    finally:
        _portable_only.reset(token)


def takes_fast_form(
    *tensors: Tensor | None, on_any_device: bool = False, any_dtype: bool = False
) -> bool:
    """Returns whether a function may use the fast form of the backend for these tensors.

    The portable form is used

    - while a model is exported (`portable_forms`), and on other devices than CPUs;
    - on TensorFlow, where XLA compiles;
    - on JAX, where devices divide the nodes (`keras.distribution.ModelParallel`): fast forms join
      the axis of nodes with others, and each device would then compute for all nodes;
    - on PyTorch, where `torch.compile` or `torch.export` traces, in `torch.autocast`, in
      `torch.func` transforms, in forward-mode derivatives and for gradients in batches, for
      subclasses of `torch.Tensor`, and for dtypes other than float32 and float64 or tensors of
      different dtypes.

    On PyTorch, second derivatives use the portable form too: see `torch_forms.own_form`. On
    TensorFlow and JAX, second derivatives work with the fast forms.

    Args:
        *tensors: floating-point tensors of the backend; None is skipped.
        on_any_device: bool. Whether the fast form also runs on GPUs.
        any_dtype: bool. Whether the fast form also takes half precision (PyTorch).
    """
    given = [tensor for tensor in tensors if tensor is not None]
    if _portable_only.get() or not (on_any_device or all(map(on_cpu, given))):
        return False
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

        return not GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    if keras.backend.backend() == "torch":
        return _are_plain_on_torch(given, any_dtype)
    return not isinstance(keras.distribution.distribution(), keras.distribution.ModelParallel)


def on_cpu(x: Tensor) -> bool:
    """Returns whether operations on the tensor `x` run on a CPU."""
    if keras.backend.backend() == "torch":
        return x.device.type == "cpu"
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "cpu"
    import tensorflow as tf

    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


def is_cast_by_torch(tensor: Tensor) -> bool:
    """Returns whether `torch.autocast` is enabled for the device of the tensor."""
    import torch

    device = tensor.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _are_plain_on_torch(tensors, any_dtype):
    import torch

    if (
        torch.compiler.is_compiling()
        or is_cast_by_torch(tensors[0])
        or torch.autograd.forward_ad._current_level >= 0
        or torch._C._are_functorch_transforms_active()
    ):
        return False
    dtype = tensors[0].dtype
    return (any_dtype or dtype in (torch.float32, torch.float64)) and all(
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and not torch._C._functorch.is_legacy_batchedtensor(tensor)
        and tensor.dtype == dtype
        for tensor in tensors
    )
