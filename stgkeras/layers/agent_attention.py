from __future__ import annotations

import math

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor

# Names of the square matrices, and whether each has a constant.
MAPS = {
    "query": True,
    "key": False,
    "value": True,
    "agent_query": True,
    "agent_key": False,
    "inner": True,
    "output": True,
}


@keras.saving.register_keras_serializable("stgkeras")
class AgentAttention(keras.layers.Layer):
    """Agent attention: agents attend to all nodes, then the nodes attend to the agents.

        Q, K, V = x W_Q + b_Q,  x W_K,  x W_V + b_V        of the nodes
        q, k = a w_q + c_q,  a w_k                         of the agents
        u = softmax(q Kᵀ / √d) V W_1 + b_1                 weights of an agent over all nodes
        y = softmax(Q kᵀ / √d) u W_2 + b_2                 weights of a node over all agents

    x are the d features of the nodes and a the agents, a few vectors. The cost is linear in the
    number of nodes. The layer multiplies the small matrices first, so that no map but the scores
    is computed for each node.

    Call arguments:
        x: tensor (..., nodes, features).
        agents: tensor (agents, features), for example of `AgentTokens`.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: if `x` or `agents` has other axes, or their numbers of features differ.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 5, 16), "float32")
        >>> agents = stgkeras.layers.AgentTokens(4)(x)
        >>> tuple(stgkeras.layers.AgentAttention()(x, agents).shape)
        (2, 5, 16)

    Source:
        Zhao et al., 2026, arXiv:2601.05174 (FaST), after Han et al., 2023, arXiv:2312.08874 (agent
        attention). Departs from the released code: K and k have no constants, because both
        softmaxes cancel them.
    """

    def build(self, x_shape: tuple, agents_shape: tuple) -> None:
        self._check(x_shape, agents_shape)
        size = x_shape[-1]
        for name, has_bias in MAPS.items():
            kernel = self.add_weight((size, size), "glorot_uniform", name=f"{name}_kernel")
            setattr(self, f"{name}_kernel", kernel)
            if has_bias:
                bias = self.add_weight((size,), "zeros", name=f"{name}_bias")
                setattr(self, f"{name}_bias", bias)

    def call(self, x: Tensor, agents: Tensor) -> Tensor:
        self._check(x.shape, agents.shape)
        scale = 1 / math.sqrt(x.shape[-1])
        query = (ops.matmul(agents, self.agent_query_kernel) + self.agent_query_bias) * scale
        key = ops.transpose(ops.matmul(agents, self.agent_key_kernel)) * scale
        seen = ops.matmul(x, ops.matmul(self.key_kernel, ops.transpose(query)))  # (…, N, agents)
        read = ops.matmul(x, ops.matmul(self.query_kernel, key)) + ops.matmul(self.query_bias, key)
        seen = ops.swapaxes(ops.softmax(seen, axis=-2), -1, -2)
        u = ops.matmul(ops.matmul(seen, x), self.value_kernel) + self.value_bias
        u = ops.matmul(u, self.inner_kernel) + self.inner_bias
        u = ops.matmul(u, self.output_kernel)
        return ops.matmul(ops.softmax(read, axis=-1), u) + self.output_bias

    def compute_output_shape(self, x_shape: tuple, agents_shape: tuple) -> tuple:
        self._check(x_shape, agents_shape)
        return x_shape

    def _check(self, x_shape, agents_shape):
        _checks.signal(x_shape, "(..., nodes, features)")
        if len(x_shape) < 3 or len(agents_shape) != 2 or agents_shape[-1] != x_shape[-1]:
            raise ValueError(
                "`x` must have axes (batch, ..., nodes, features), and `agents` axes (agents, "
                f"features) with as many features. Received: x.shape={tuple(x_shape)}, "
                f"agents.shape={tuple(agents_shape)}. Use `AgentTokens`."
            )
