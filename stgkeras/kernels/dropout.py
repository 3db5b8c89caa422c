"""Dropout with 16 random bits per value, for backends on which random numbers are slow.

Fast form: PyTorch on CPU. NumPy's random generator is three times as fast as PyTorch's.
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.types import Tensor


def bit_dropout(x: Tensor, dropped: int, seed_generator: keras.random.SeedGenerator) -> Tensor:
    """Dropout on JAX and PyTorch: sets each value to 0 with probability `dropped / 65536`.

    All other values are multiplied by 65536 / (65536 - dropped), so that the expected value of
    the output equals the input.

    Args:
        x: float tensor. All axes have a known size.
        dropped: int from 0 to 65535. Dropout rate times 65536.
        seed_generator: `keras.random.SeedGenerator`. It provides the random numbers.

    Returns:
        A tensor of the shape of `x`.
    """
    scale = 2**16 / (2**16 - dropped)
    if keras.backend.backend() == "torch" and dispatch.takes_fast_form(x, any_dtype=True):
        import torch

        bits = _bits_of_numpy(x, seed_generator.next())
        return x * torch.ge(bits, dropped - 2**15, out=torch.empty_like(x)).mul_(scale)
    noise = ops.where(kept_values(x, dropped, seed_generator), scale, 0.0)
    return x * ops.cast(noise, x.dtype)


def kept_values(x: Tensor, dropped: int, seed_generator: keras.random.SeedGenerator) -> Tensor:
    """Draws which values dropout keeps: each with probability `1 - dropped / 65536`.

    Args:
        x: float tensor. On JAX and PyTorch, all axes have a known size.
        dropped, seed_generator: as in `bit_dropout`.

    Returns:
        A bool tensor of the shape of `x`.
    """
    if keras.backend.backend() == "tensorflow":
        return keras.random.uniform(ops.shape(x), seed=seed_generator) >= dropped / 2**16
    if keras.backend.backend() == "torch" and dispatch.takes_fast_form(x, any_dtype=True):
        return _bits_of_numpy(x, seed_generator.next()) >= dropped - 2**15
    size = math.prod(x.shape)
    draws = keras.random.randint(((size + 1) // 2,), -(2**31), 2**31 - 1, seed=seed_generator)
    low, high = ops.bitwise_and(draws, 2**16 - 1), ops.right_shift(draws, 16) + 2**15
    kept = ops.concatenate([low >= dropped, high >= dropped])[:size]
    return ops.reshape(kept, x.shape)


def _bits_of_numpy(x, seed):
    """Returns 16 random bits for each value of x, as integers from -32768 to 32767."""
    import torch

    bits = np.random.SFC64([int(number) for number in seed]).random_raw(-(-x.numel() // 4))
    return torch.from_numpy(bits.view("int16"))[: x.numel()].view(x.shape)
