from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from stgkeras.kernels import diffusion_terms
from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class DiffusionConv(GraphFilter):
    """Diffusion convolution: combines the features of the nodes within K steps of several graphs.

        y = activation(x W_0 + Σ_s Σ_{k=1..K} P_s^k x W_{s,k} + b)

    x is the signal of one step, (nodes, features). P_s is the operator s, for example a random walk
    with the edges of a directed graph, and a random walk against them. The weights W are slices of
    the trainable kernel (1 + operators · K, features, filters): W_0, W_{1,1} … W_{1,K}, W_{2,1} …,
    and b is the trainable bias.

    Args:
        filters: int. Number of output features of a node.
        K: int ≥ 1. Largest number of steps.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`.

    Call arguments:
        x: tensor (..., nodes, features).
        operators: list of the operators P_s, usually `graphs.random_walk(A)` and
            `graphs.random_walk(A.T)`; each (nodes, nodes), (batch, nodes, nodes) or (batch, time,
            nodes, nodes), or a sparse operator `{"index": (2, edges), "value": (edges,)}`.

    Returns:
        Tensor (..., nodes, filters).

    Raises:
        ValueError: if `filters` or `K` is below 1, `operators` is empty, or the shapes do not fit
            each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = np.diag([1.0, 2.0, 1.0, 1.0], -1)  # edges 0 → 1 → 2 → 3 → 4
        >>> walks = [stgkeras.graphs.random_walk(one) for one in (adjacency, adjacency.T)]
        >>> y = stgkeras.layers.DiffusionConv(8, K=2)(np.ones((2, 12, 5, 3), "float32"), walks)
        >>> tuple(y.shape)
        (2, 12, 5, 8)

    Source:
        Li et al., 2018, arXiv:1707.01926, eq. 2; Wu et al., 2019, arXiv:1906.00121, eq. 4. Departs
        from the papers: x without a step has one weight, and not one for each operator, which gives
        the same functions; and a bias is added, as in the released code of Graph WaveNet.
    """

    def __init__(self, filters: int, K: int, **kwargs: Any) -> None:
        super().__init__(filters, **kwargs)
        self.K = _checks.integer("K", K)

    def build(self, x_shape: tuple, operators_shape: Any = None) -> None:
        self._check(x_shape, operators_shape)
        terms = 1 + len(operators_shape) * self.K
        self.add_kernel((terms, x_shape[-1], self.filters))

    def call(self, x: Tensor, operators: Sequence[Tensor]) -> Tensor:
        terms = diffusion_terms(operators, self.K, x)
        y = ops.matmul(
            ops.concatenate(terms, axis=-1), ops.reshape(self.kernel, (-1, self.filters))
        )
        y = y if self.bias is None else y + self.bias
        return self.activation(y)

    def compute_output_shape(self, x_shape: tuple, operators_shape: Any = None) -> tuple:
        return (*x_shape[:-1], self.filters)

    def _check(self, x_shape, operators_shape):
        _checks.signal(x_shape, "(..., nodes, features)")
        is_list = isinstance(operators_shape, (list, tuple)) and len(operators_shape) > 0
        # The shape of a single tensor is a tuple of sizes.
        if not is_list or any(one is None or isinstance(one, int) for one in operators_shape):
            raise ValueError(
                "`operators` must be a list of at least one operator. Received: operators of shape "
                f"{operators_shape}. Pass a list, such as `[graphs.random_walk(adjacency)]`."
            )
        for shape in operators_shape:
            _checks.operator(shape, x_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "K": self.K}
