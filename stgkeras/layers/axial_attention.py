from __future__ import annotations

import math
import random
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.kernels import linear_attention, orthogonal_directions
from stgkeras.layers import _checks
from stgkeras.layers.bit_dropout import BitDropout
from stgkeras.types import Tensor

AXES = ("time", "nodes")


@keras.saving.register_keras_serializable("stgkeras")
class AxialAttention(keras.layers.Layer):
    """Multi-head self-attention along one axis of a signal: along time, or along nodes.

        Q, K, V = x W_Q + b_Q,  x W_K + b_K,  x W_V + b_V
        h_j = softmax(Q_j K_jᵀ / √d) V_j        for each head j
        y = (h_1 ‖ … ‖ h_heads) W_O + b_O

    Q_j, K_j and V_j are the j-th of `num_heads` parts of Q, K and V, with d = features / num_heads
    columns each. Along time, the rows of x are the steps of one node; along nodes, they are the
    nodes at one step. ‖ is concatenation.

    The cost is quadratic in the number of rows. With `random_features` it is linear: the layer
    estimates exp(Q_j K_jᵀ / √d) as a product of two matrices of m columns, positive random features
    of Q_j and of K_j. The estimate has no bias, and its error falls as 1 / √m; the softmax, which
    divides by the sum of the estimates, has a small bias. The features come from m random
    directions, which the layer keeps with its weights; `redraw` draws others.

    Args:
        num_heads: int. Number of heads. It must divide the number of features.
        axis: str. "time" or "nodes".
        random_features: None, or int: the number m of random features. None: exact attention.
            Default None.
        dropout: float, 0 ≤ dropout < 1. Fraction of the weights of exact attention (the values of
            the softmax) that are set to 0 in training. Default 0.

    Call arguments:
        x: tensor (batch, time, nodes, features).

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: if an argument is invalid, or `num_heads` does not divide the features of `x`.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 12, 5, 8), "float32")
        >>> tuple(stgkeras.layers.AxialAttention(4, axis="nodes")(x).shape)
        (2, 12, 5, 8)

    Source:
        Vaswani et al., 2017, arXiv:1706.03762, eq. 1 and section 3.2.2; along one axis as in Liu et
        al., 2023, arXiv:2308.10425, eq. 5 and 6. Departs from the papers: the maps have biases, as
        in the released code. Random features: Choromanski et al., 2021, arXiv:2009.14794, eq. 5 and
        section 2.4 (positive and orthogonal). Departs from that paper: no constant is added to the
        features.
    """

    def __init__(
        self,
        num_heads: int,
        axis: str,
        random_features: int | None = None,
        *,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = _checks.integer("num_heads", num_heads)
        self.axis = _checks.one_of("axis", axis, AXES)
        if random_features is not None:
            random_features = _checks.integer("random_features", random_features)
        self.random_features = random_features
        self.dropout = _checks.fraction("dropout", dropout)
        if dropout and random_features is not None:
            raise ValueError(
                "`dropout` must be 0 with random features, which compute no weights. Received: "
                f"dropout={dropout}, random_features={random_features}. Omit one of them."
            )
        self._drop = BitDropout(self.dropout, dtype=self.dtype_policy) if self.dropout else None

    def build(self, x_shape: tuple) -> None:
        self._check(x_shape)
        features = x_shape[-1]
        # The three maps side by side: one product computes all of them.
        for name, size in (("input", 3 * features), ("output", features)):
            kernel = self.add_weight((features, size), "glorot_uniform", name=f"{name}_kernel")
            bias = self.add_weight((size,), "zeros", name=f"{name}_bias")
            setattr(self, f"{name}_kernel", kernel)
            setattr(self, f"{name}_bias", bias)
        if self.random_features is not None:
            shape = (features // self.num_heads, self.random_features)
            self.directions = self.add_weight(
                shape, "zeros", trainable=False, autocast=False, name="directions"
            )
            self.redraw()

    def redraw(self, seed: int | None = None) -> None:
        """Draws the directions of the random features again.

        Args:
            seed: None, or int ≥ 0. With None, the seed is a random number of Python, as in Keras.

        Raises:
            ValueError: if the layer has exact attention, or is not built, or the seed is invalid.
        """
        if not hasattr(self, "directions"):
            raise ValueError(
                "`redraw` needs a built layer with random features. Received: random_features="
                f"{self.random_features}, built={self.built}. Pass `random_features`, and call the "
                "layer first."
            )
        number = random.randrange(2**31) if seed is None else _checks.integer("seed", seed, 0)
        rng = np.random.default_rng(number)
        units, count = self.directions.shape
        self.directions.assign(orthogonal_directions(units, count, rng))

    def call(self, x: Tensor, training: bool | None = False) -> Tensor:
        _, steps, nodes, features = x.shape
        if self.num_heads == 1 and self.random_features is None and steps * nodes > features:
            return self._of_one_head(x, training)
        width = features // self.num_heads
        order = (0, 2, 3, 1, 4) if self.axis == "time" else (0, 1, 3, 2, 4)
        joined = ops.matmul(x, self.input_kernel) + self.input_bias
        parts = [
            ops.transpose(ops.reshape(part, (-1, steps, nodes, self.num_heads, width)), order)
            for part in ops.split(joined, 3, axis=-1)
        ]  # (B, N, heads, T, d) along time, (B, T, heads, N, d) along nodes
        query, key, value = parts
        if self.random_features is None:
            scores = ops.matmul(query * (1 / math.sqrt(width)), ops.swapaxes(key, -1, -2))
            attended = ops.matmul(self._weights(scores, training), value)
        else:
            attended = linear_attention(query, key, value, ops.convert_to_tensor(self.directions))
        back = (0, 3, 1, 2, 4) if self.axis == "time" else (0, 1, 3, 2, 4)
        attended = ops.reshape(ops.transpose(attended, back), (-1, steps, nodes, features))
        return ops.matmul(attended, self.output_kernel) + self.output_bias

    def _of_one_head(self, x, training):
        """Multiplies the maps first: two products with all rows of x in place of four.

        b_K adds the same number to all scores of a row, which does not change the softmax.
        """
        features = x.shape[-1]
        if self.axis == "time":
            x = ops.swapaxes(x, 1, 2)
        rows = ops.reshape(x, (-1, *x.shape[2:]))
        to_query, to_key, to_value = ops.split(self.input_kernel, 3, axis=-1)
        query_bias, _, value_bias = ops.split(self.input_bias, 3)
        to_key = ops.transpose(to_key) * (1 / math.sqrt(features))
        query = ops.matmul(rows, ops.matmul(to_query, to_key)) + ops.matmul(query_bias, to_key)
        value = ops.matmul(rows, ops.matmul(to_value, self.output_kernel))
        value = value + ops.matmul(value_bias, self.output_kernel)
        scores = ops.matmul(query, ops.swapaxes(rows, -1, -2))
        y = ops.matmul(self._weights(scores, training), value) + self.output_bias
        y = ops.reshape(y, (-1, *x.shape[1:]))
        return ops.swapaxes(y, 1, 2) if self.axis == "time" else y

    def _weights(self, scores, training):
        weights = ops.softmax(scores, axis=-1)
        return weights if self._drop is None else self._drop(weights, training=training)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        self._check(x_shape)
        return x_shape

    def _check(self, x_shape):
        _checks.signal(x_shape)
        if x_shape[-1] % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the number of features. Received: "
                f"num_heads={self.num_heads}, {x_shape[-1]} features. Pass a divisor."
            )

    def get_config(self) -> dict[str, Any]:
        names = ("num_heads", "axis", "random_features", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
