from __future__ import annotations

import functools
from typing import Any

import keras
from keras import layers, ops

from stgkeras.kernels import BlockWeights, has_own_block, kept_values, own_block, recomputed
from stgkeras.layers import _checks
from stgkeras.layers.axial_attention import AxialAttention
from stgkeras.layers.centered_layer_normalization import CenteredLayerNormalization
from stgkeras.types import Tensor

ROWS = 4096  # pairs of a step and a node of a part of a batch: its tensors fit into the cache


@keras.saving.register_keras_serializable("stgkeras")
class TransformerBlock(keras.layers.Layer):
    """Transformer encoder block along one axis of a signal, with layer normalisation at the end.

        h = LN(x + dropout(attention of x))
        y = LN(h + dropout(ReLU(h W_1 + b_1) W_2 + b_2))

    LN is layer normalisation over the features, and the attention is that of
    `layers.AxialAttention`.

    In training on a CPU with JAX, and on PyTorch with random features, the block keeps its input
    only. The backward pass computes the other values again, for a part of the batch at a time: a
    few windows, or along nodes a few steps. A training step takes about a quarter more time, and
    much less memory. Exact attention on PyTorch keeps four tensors of the size of the input, and is
    faster than without parts.

    Args:
        num_heads: int. Number of heads of the attention. It must divide the number of features.
        axis: str. Axis of the attention, "time" or "nodes".
        feed_forward_units: int. Number of columns of W_1.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.1.
        random_features: None, or int, as in `layers.AxialAttention`. Default None: exact attention.

    Call arguments:
        x: tensor (batch, time, nodes, features).

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: if an argument is invalid, or `num_heads` does not divide the features of `x`.

    Example:
        >>> import numpy as np, stgkeras
        >>> block = stgkeras.layers.TransformerBlock(4, axis="nodes", feed_forward_units=16)
        >>> tuple(block(np.ones((2, 12, 5, 8), "float32")).shape)
        (2, 12, 5, 8)

    Source:
        Vaswani et al., 2017, arXiv:1706.03762, section 3.1 and eq. 2. Departs from the paper:
        nowhere.
    """

    def __init__(
        self,
        num_heads: int,
        axis: str,
        feed_forward_units: int,
        *,
        dropout: float = 0.1,
        random_features: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        dtype = {"dtype": self.dtype_policy}
        self.attention = AxialAttention(num_heads, axis, random_features, **dtype, name="attention")
        self.feed_forward_units = _checks.integer("feed_forward_units", feed_forward_units)
        self.dropout = _checks.fraction("dropout", dropout)
        self.dense = layers.Dense(feed_forward_units, activation="relu", **dtype, name="dense")
        self.attention_norm, self.norm = (
            CenteredLayerNormalization(epsilon=1e-5, **dtype, name=name)
            for name in ("attention_norm", "norm")
        )
        if dropout:
            self.seed_generator = keras.random.SeedGenerator()

    def build(self, x_shape: tuple) -> None:
        self.attention.build(x_shape)
        self.attention_norm.build(x_shape)
        self.dense.build(x_shape)
        dtype = {"dtype": self.dtype_policy}
        self.output_dense = layers.Dense(x_shape[-1], **dtype, name="output")
        self.output_dense.build((*x_shape[:-1], self.feed_forward_units))
        self.norm.build(x_shape)

    def call(self, x: Tensor, training: bool | None = False) -> Tensor:
        if not training:
            return self._block(x)
        dropped, kept = round(self.dropout * 2**16), []
        if dropped:
            kept = [kept_values(x, dropped, self.seed_generator) for _ in range(2)]
        if self.attention.random_features is None and has_own_block(x, self._block_weights):
            return self._own_block(x, kept)
        _, steps, nodes, units = x.shape
        if self.attention.axis == "nodes":  # attention sees each step alone: parts of single steps
            x, *kept = (ops.reshape(one, (-1, 1, nodes, units)) for one in (x, *kept))
        rows = max(1, ROWS // (x.shape[1] * nodes))
        y = recomputed(functools.partial(self._block, training=True), x, *kept, rows=rows)
        return ops.reshape(y, (-1, steps, nodes, units))

    @property
    def _block_weights(self):
        attention, hidden, last = self.attention, self.dense, self.output_dense
        return BlockWeights(
            *(attention.input_kernel, attention.input_bias),
            *(attention.output_kernel, attention.output_bias),
            *(self.attention_norm.gamma, self.attention_norm.beta),
            *(hidden.kernel, hidden.bias, last.kernel, last.bias),
            *(self.norm.gamma, self.norm.beta),
        )

    def _own_block(self, x, kept):
        def swapped(x):
            return ops.swapaxes(x, 1, 2) if self.attention.axis == "time" else x

        shape = (-1, *swapped(x).shape[1:])
        x, *kept = (ops.reshape(swapped(one), (-1, *shape[2:])) for one in (x, *kept))
        heads, epsilon = self.attention.num_heads, self.norm.epsilon
        y = own_block(x, kept, self._block_weights, heads, self.dropout, epsilon)
        return swapped(ops.reshape(y, shape))

    def _block(self, x, kept_attended=None, kept=None, training=False):
        attended = self._dropped(self.attention(x), kept_attended)
        h = self.attention_norm(x + attended, training=training)
        d = self._dropped(self.output_dense(self.dense(h)), kept)
        return self.norm(h + d, training=training)

    def _dropped(self, x, kept):
        return x if kept is None else ops.where(kept, x * (1 / (1 - self.dropout)), 0.0)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        return self.attention.compute_output_shape(x_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.attention.num_heads,
            "axis": self.attention.axis,
            "feed_forward_units": self.feed_forward_units,
            "dropout": self.dropout,
            "random_features": self.attention.random_features,
        }
