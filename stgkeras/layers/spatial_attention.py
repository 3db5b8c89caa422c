import keras
from keras import initializers, ops

from stgkeras import kernels
from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class SpatialAttention(keras.layers.Layer):
    """How much each node attends to each other over a window.

    - "bilinear": softmax(S)ᵀ with S = V_s σ((x w_1) W_2 (w_3 x)ᵀ + b_s), normalised over its first
      axis; every node may attend to every other, whatever the graph.
    - "additive": softmax over j of LeakyReLU(aᵀ [W h_i ‖ W h_j]), h_i all steps and features of
      node i, over i itself and the nodes within K - 1 hops.

    Args:
        score: "bilinear" or "additive".
        K: int. The neighbourhoods of "additive" are the joint support of the Chebyshev terms
            T_0 … T_{K-1} of the graph, as in a `ChebConv` with the same K.
        units: int. Size of W h of "additive".
        negative_slope: float. Slope of the LeakyReLU of "additive" below zero.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: (batch, time, nodes, features).
        graph: scaled Laplacian, dense or sparse, of rank 2, 3 or 4, or what a `StaticTerms` layer
            returns; needed by "additive" alone. With one graph a step, nodes are neighbours if they
            are so at any step.
        scores: None, or (batch, time, time), the temporal attention of `x`: as if x were the signal
            that these attend to, which "bilinear" has no need to form.

    Returns:
        (batch, nodes, nodes), rows summing to 1. With a graph of `StaticTerms`, whose E entries are
        the neighbourhoods, (batch, E): the scores of these pairs, with nothing of size nodes².

    Raises:
        ValueError: on a bad argument, if an axis of `x` other than the batch is unknown, or if
            "additive" gets no graph.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.SpatialAttention()
        >>> tuple(layer(np.ones((2, 12, 5, 3), "float32")).shape)
        (2, 5, 5)

    Source:
        "bilinear": Guo et al., 2019, AAAI 33, eq. 8–9. "additive": Veličković et al., 2018,
        arXiv:1710.10903, eq. 3. Departs from the papers: Guo's scores are handed out transposed, so
        that row n tells what node n attends to; Veličković's serve K - 1 hops, not one.
    """

    def __init__(
        self,
        score="bilinear",
        *,
        K=3,
        units=32,
        negative_slope=0.2,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.score = _checks.one_of("score", score, ("bilinear", "additive"))
        self.K = _checks.integer("K", K)
        self.units = _checks.integer("units", units)
        self.negative_slope = float(negative_slope)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, x_shape, graph_shape=None, scores_shape=None):
        _checks.known_axes(x_shape)
        _, time, nodes, features = x_shape
        if self.score == "bilinear":
            self.w1 = self._kernel("w1", (time,))
            self.w2 = self._kernel("w2", (features, time))
            self.w3 = self._kernel("w3", (features,))
            self.b_s = self.add_weight((nodes, nodes), self.bias_initializer, name="b_s")
            self.v_s = self._kernel("v_s", (nodes, nodes))
        else:
            if graph_shape is None:
                raise ValueError("`graph` must be given with score='additive'. Received: None")
            _checks.operator(graph_shape, x_shape, self.K)
            self.kernel = self._kernel("kernel", (time * features, self.units))
            self.attention_kernel = self._kernel("attention_kernel", (2, self.units))

    def _kernel(self, name, shape):
        return self.add_weight(shape, self.kernel_initializer, name=name)

    def call(self, x, graph=None, scores=None):
        if self.score == "bilinear":
            return self._bilinear(x, scores)
        return self._additive(x if scores is None else kernels.attended(scores, x), graph)

    def _bilinear(self, x, scores):
        weights = self.w1 if scores is None else ops.matmul(self.w1, scores)
        left, right = kernels.projections(weights, x, self.w3)  # (B, N, F), (B, T, N)
        left = ops.matmul(left, self.w2)  # (B, N, T)
        right = right if scores is None else ops.matmul(scores, right)
        # All transposed, so that the matrix that all samples share comes last.
        product = ops.matmul(ops.transpose(right, (0, 2, 1)), ops.transpose(left, (0, 2, 1)))
        energy = ops.matmul(ops.sigmoid(product + ops.transpose(self.b_s)), ops.transpose(self.v_s))
        return ops.softmax(energy, axis=-1)

    def _additive(self, x, graph):
        steps, nodes, features = x.shape[1:]
        kernel = ops.reshape(self.kernel, (steps, features, self.units))
        hidden = ops.einsum("btnf,tfu->bnu", x, kernel)
        receives = ops.matmul(hidden, self.attention_kernel[0])  # (B, N)
        sends = ops.matmul(hidden, self.attention_kernel[1])
        if kernels.has_terms(graph):
            energy = ops.take(receives, graph["index"][0], axis=1)
            energy = energy + ops.take(sends, graph["index"][1], axis=1)  # (B, E)
            energy = ops.leaky_relu(energy, self.negative_slope)
            return kernels.softmax_of_pairs(graph, self.K, energy, nodes)
        energy = ops.leaky_relu(receives[:, :, None] + sends[:, None, :], self.negative_slope)
        neighbours = kernels.neighbourhood(graph, self.K, nodes)
        if len(neighbours.shape) == 4:
            neighbours = ops.any(neighbours, axis=1)
        # Low enough to vanish in the softmax, high enough for half precision.
        return ops.softmax(ops.where(neighbours, energy, -3e4), axis=-1)

    def compute_output_shape(self, x_shape, graph_shape=None, scores_shape=None):
        if self.score == "additive" and kernels.has_terms(graph_shape):
            return (x_shape[0], graph_shape["terms"][1])
        return (x_shape[0], x_shape[2], x_shape[2])

    def get_config(self):
        return {
            **super().get_config(),
            "score": self.score,
            "K": self.K,
            "units": self.units,
            "negative_slope": self.negative_slope,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
