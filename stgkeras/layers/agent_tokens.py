from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class AgentTokens(keras.layers.Layer):
    """Trainable agent tokens, the same for all samples, for one or more `AgentAttention` layers.

    Args:
        num_agents: int. Number of agents A.

    Call arguments:
        x: tensor (..., nodes, features). Only the number of features is used.

    Returns:
        Tensor (num_agents, features).

    Raises:
        ValueError: if `num_agents` is below 1, or `x` has other axes.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 5, 16), "float32")
        >>> tuple(stgkeras.layers.AgentTokens(4)(x).shape)
        (4, 16)

    Source:
        Zhao et al., 2026, arXiv:2601.05174 (FaST), the agents. Departs from the paper: nowhere.
    """

    def __init__(self, num_agents: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_agents = _checks.integer("num_agents", num_agents)

    def build(self, x_shape: tuple) -> None:
        _checks.signal(x_shape, "(..., nodes, features)")
        self.agents = self.add_weight(
            (self.num_agents, x_shape[-1]), "glorot_uniform", name="agents"
        )

    def call(self, x: Tensor) -> Tensor:
        return ops.copy(self.agents.value)

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        return (self.num_agents, x_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_agents": self.num_agents}
