from __future__ import annotations

from typing import Any

import keras
from keras import initializers, ops

from stgkeras.kernels import attended, projections
from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class TemporalAttention(keras.layers.Layer):
    """Temporal attention: replaces each step by a weighted sum of all steps of the window.

        score="bilinear":  y[t] = Σ_s A[t, s] x[s]
                           A[t, s] = softmax over s of E[s, t],  E = V_e σ(L R + b_e)
                           L[t] = (Σ_n u_1[n] x[t, n]) U_2,  R[n, t] = x[t, n] · u_3
        score="dot":       y[t] = Σ_h Σ_s A_h[t, s] x[s] V_h
                           A_h[t, s] = softmax over s of q_h[t] · k_h[s] / √d

    A[t, s] is the score of step s for step t. x[t] is the signal of step t, (nodes, features), and
    x[t, n] are the features of node n at step t. σ is the sigmoid. h is the head. The query
    q_h[t] and the key k_h[s] of a head are trainable linear maps of all features of all nodes of a
    step, and d is their length. All other symbols are trainable weights: u_1 (nodes,), U_2
    (features, nodes), u_3 (features,), V_e and b_e (time, time); V_h (features, features).

    Args:
        score: str. "bilinear" or "dot". Default "bilinear".
        num_heads: int. For "dot": the number of heads. It must be 1 for "bilinear". Default 1.
        key_dim: int. For "dot": the length d of queries and keys. Default 32.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: tensor (batch, time, nodes, features).
        return_attention_scores: False to return the attended signal y, True to return y and the
            scores A, or "only" to return A without computing y. Default False.

    Returns:
        The attended signal y, (batch, time, nodes, features), or the pair (y, scores), or the
        scores. The scores are (batch, time, time), or (batch, heads, time, time) with several
        heads, and their rows sum to 1.

    Raises:
        ValueError: if an argument is invalid, or an axis of `x` other than the batch is unknown.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.TemporalAttention()
        >>> x = np.ones((2, 12, 5, 3), "float32")
        >>> y, scores = layer(x, return_attention_scores=True)
        >>> tuple(y.shape), tuple(scores.shape)
        ((2, 12, 5, 3), (2, 12, 12))

    Source:
        "bilinear": Guo et al., 2019, AAAI 33, eq. 6–7. Departs from the paper: A is the transpose
        of the paper's matrix, so that row t has the scores of step t; y is the same. "dot": Vaswani
        et al., 2017, arXiv:1706.03762, eq. 1. Departs from the paper: V_h is one matrix, in place
        of the product of the value and output matrices of a head.
    """

    def __init__(
        self,
        score: str = "bilinear",
        num_heads: int = 1,
        *,
        key_dim: int = 32,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.score = _checks.one_of("score", score, ("bilinear", "dot"))
        self.num_heads = _checks.integer("num_heads", num_heads)
        if self.num_heads > 1 and score == "bilinear":
            raise ValueError(
                "`num_heads` must be 1 with score='bilinear'. "
                f"Received: num_heads={num_heads}. Use score='dot' for several heads."
            )
        self.key_dim = _checks.integer("key_dim", key_dim)
        self.kernel_initializer = _checks.initializer("kernel_initializer", kernel_initializer)
        self.bias_initializer = _checks.initializer("bias_initializer", bias_initializer)

    def build(self, x_shape: tuple) -> None:
        _checks.known_axes(x_shape)
        _, time, nodes, features = x_shape
        if self.score == "bilinear":
            self.u1 = self._kernel("u1", (nodes,))
            self.u2 = self._kernel("u2", (features, nodes))
            self.u3 = self._kernel("u3", (features,))
            self.b_e = self.add_weight((time, time), self.bias_initializer, name="b_e")
            self.v_e = self._kernel("v_e", (time, time))
        else:
            keys = (nodes * features, self.num_heads * self.key_dim)
            self.query_kernel = self._kernel("query_kernel", keys)
            self.key_kernel = self._kernel("key_kernel", keys)
            self.value_kernel = self._kernel("value_kernel", (features, self.num_heads, features))

    def _kernel(self, name, shape):
        return self.add_weight(shape, self.kernel_initializer, name=name)

    def call(
        self, x: Tensor, return_attention_scores: bool | str = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        is_bilinear = self.score == "bilinear"
        scores = self._bilinear_scores(x) if is_bilinear else self._dot_scores(x)
        single = scores[:, 0] if self.num_heads == 1 and not is_bilinear else scores
        if return_attention_scores == "only":
            return single
        if is_bilinear:
            y = attended(scores, x)
        else:
            values = ops.einsum("bsng,ghf->bhsnf", x, self.value_kernel)
            y = ops.einsum("bhts,bhsnf->btnf", scores, values)
        return (y, single) if return_attention_scores else y

    def _bilinear_scores(self, x):
        steps, nodes, features = x.shape[1:]
        x = ops.reshape(x, (-1, nodes, 1, features))
        left, right = projections(self.u1, x, self.u3)  # (B·T, 1, F), (B·T, N, 1)
        left = ops.matmul(ops.reshape(left, (-1, steps, features)), self.u2)  # (B, T, N)
        right = ops.reshape(right, (-1, steps, nodes))
        product = ops.einsum("btn,bsn->bts", left, right)
        energy = ops.matmul(self.v_e, ops.sigmoid(product + self.b_e))
        return ops.softmax(ops.transpose(energy, (0, 2, 1)), axis=-1)

    def _dot_scores(self, x):
        steps, nodes, features = x.shape[1:]
        flat = ops.reshape(x, (-1, steps, nodes * features))
        heads = (-1, steps, self.num_heads, self.key_dim)
        queries = ops.reshape(ops.matmul(flat, self.query_kernel), heads)
        keys = ops.reshape(ops.matmul(flat, self.key_kernel), heads)
        # The products of large signals exceed float16.
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        energy = ops.einsum("bthd,bshd->bhts", ops.cast(queries, dtype), ops.cast(keys, dtype))
        scores = ops.softmax(energy / self.key_dim**0.5, axis=-1)  # (B, H, T, T)
        return ops.cast(scores, self.compute_dtype)

    def compute_output_spec(
        self, x: Tensor, return_attention_scores: bool | str = False
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, keras.KerasTensor]:
        batch, time = x.shape[:2]
        heads = () if self.num_heads == 1 else (self.num_heads,)
        y = keras.KerasTensor(x.shape, self.compute_dtype)
        scores = keras.KerasTensor((batch, *heads, time, time), self.compute_dtype)
        if return_attention_scores == "only":
            return scores
        return (y, scores) if return_attention_scores else y

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "score": self.score,
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
