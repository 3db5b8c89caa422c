import keras
from keras import initializers, ops

from stgkeras.kernels import attended, projections
from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class TemporalAttention(keras.layers.Layer):
    """Lets each step attend to all steps of the window; returns the attended signal.

        y_t = Σ_s A[t, s] x_s,        A = softmax over s of the scores

    - "bilinear": A = softmax(E)ᵀ with E = V_e σ((xᵀ u_1) U_2 (u_3 x) + b_e), normalised over its
      first axis.
    - "dot": A_h = softmax(Q_h K_hᵀ / √d) for each head h, where Q and K are linear in all
      features of all nodes of a step, and y_t = Σ_h Σ_s A_h[t, s] x_s V_h.

    Args:
        score: "bilinear" or "dot".
        num_heads: int. Number of heads of "dot"; "bilinear" has one.
        key_dim: int. Size d of the queries and keys of a head of "dot".
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: (batch, time, nodes, features).
        return_attention_scores: False, True to return the scores as well, or "only" for the scores
            alone, without forming the attended signal.

    Returns:
        The attended signal (batch, time, nodes, features), or the pair of it and the scores
        (batch, time, time), rows summing to 1; (batch, heads, time, time) with several heads. Or
        these scores alone.

    Raises:
        ValueError: on a bad argument, or if an axis of `x` other than the batch is unknown.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.TemporalAttention()
        >>> x = np.ones((2, 12, 5, 3), "float32")
        >>> y, scores = layer(x, return_attention_scores=True)
        >>> tuple(y.shape), tuple(scores.shape)
        ((2, 12, 5, 3), (2, 12, 12))

    Source:
        "bilinear": Guo et al., 2019, AAAI 33, eq. 6–7. Departs from the paper: nowhere; the scores
        are handed out transposed, so that row t tells what step t attends to. "dot": Vaswani et
        al., 2017, arXiv:1706.03762, eq. 1. Departs from the paper: the value and output kernels of
        a head appear as their product V_h (features, features).
    """

    def __init__(
        self,
        score="bilinear",
        num_heads=1,
        *,
        key_dim=32,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.score = _checks.one_of("score", score, ("bilinear", "dot"))
        self.num_heads = _checks.integer("num_heads", num_heads)
        if self.num_heads > 1 and score == "bilinear":
            raise ValueError(
                "`num_heads` must be 1 with score='bilinear'; several heads need score='dot'. "
                f"Received: num_heads={num_heads}"
            )
        self.key_dim = _checks.integer("key_dim", key_dim)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, x_shape):
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

    def call(self, x, return_attention_scores=False):
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
        energy = ops.einsum("bthd,bshd->bhts", queries, keys)
        return ops.softmax(energy / self.key_dim**0.5, axis=-1)  # (B, H, T, T)

    def compute_output_spec(self, x, return_attention_scores=False):
        batch, time = x.shape[:2]
        heads = () if self.num_heads == 1 else (self.num_heads,)
        y = keras.KerasTensor(x.shape, self.compute_dtype)
        scores = keras.KerasTensor((batch, *heads, time, time), self.compute_dtype)
        if return_attention_scores == "only":
            return scores
        return (y, scores) if return_attention_scores else y

    def get_config(self):
        return {
            **super().get_config(),
            "score": self.score,
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
