from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from stgkeras.layers import (
    AgentAttention,
    AgentTokens,
    MixtureOfExperts,
    ReversibleNormalization,
    SpatioTemporalEmbedding,
    _checks,
)
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import by_node, forecast_head
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class FaST(Forecaster):
    """Long forecasts of thousands of nodes, by agent attention and a dense mixture of experts.

        z = window of the node, minus its mean and divided by its deviation
        r_0 … r_L = softmax(linear maps of z + node + time of day + day of the week)
        h = s_0 = Σ_e r_0,e expert_e(z) + node + time of day + day of the week
        blocks l, each: h = RMS normalisation of (h + agent attention of h)
            s_l = Σ_e r_l,e expert_e(h),    h = RMS normalisation of (h + s_l)
        forecast = mean + deviation · (linear map of ReLU of linear map of s_0 ‖ … ‖ s_L)

    Node, time of day and day of the week are trainable vectors, and ‖ is concatenation. The time is
    that of the last step of the window. Each expert is a gated linear unit. No graph is used. The
    cost is linear in the numbers of nodes and of steps of window and forecast.

    Each reading feature is normalised over the window of its node, see
    `layers.ReversibleNormalization`, and the forecast has the level of the window. With `normalize`
    or a `season` this comes after the standardisation: a missing reading counts as one at the mean,
    or at the season of its step. Covariates are not normalised over the window, where a constant
    one would vanish. Of `quantiles`, the middle one has the level of the window, and the distances
    between quantiles do not depend on its deviation.

    Args:
        steps_per_day: int. Number of steps in a day. Default 288, steps of 5 minutes.
        units: int. Length of h. Default 64.
        num_blocks: int. Number of blocks L. Default 3.
        num_experts: int. Number of experts of each mixture. With 1, there is no router. Default 8.
        num_agents: int. Number of agents, which all blocks share. Default 32.

    Call arguments:
        x: dict of "x", tensor (batch, input_length, num_nodes, num_features), or of "recent",
            "daily" and "weekly" with components, which are one window; "past_calendar" (batch,
            input_length, 2), the `datasets.calendar` of these steps, see `datasets.Windows`; and
            with `season`, "calendar" (batch, horizon, 2), that of the steps to forecast.

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid, or `num_outputs` is above `num_features`. When the
            model is used: if the scaler or the season was never set, or an input has infinite
            values or NaN. With `normalize` or `season`, NaN in a signal is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.FaST(5, steps_per_day=96, input_length=96, horizon=672)
        >>> x = {"x": np.zeros((2, 96, 5, 1)), "past_calendar": np.zeros((2, 96, 2))}
        >>> tuple(model(x).shape)
        (2, 672, 5, 1)

    Source:
        Zhao et al., 2026, arXiv:2601.05174. Departs from the released code: without the weights
        that change no forecast, which are the scale of the last normalisation and, in each block,
        the constants of the two keys: 448 of 416,716 for 170 nodes and the defaults. RMS
        normalisation has its small constant under the root. The code has one feature.
    """

    takes_graph, reads_calendar = False, True

    def __init__(
        self,
        num_nodes: int,
        *,
        num_features: int = 1,
        num_outputs: int = 1,
        steps_per_day: int = 288,
        units: int = 64,
        num_blocks: int = 3,
        num_experts: int = 8,
        num_agents: int = 32,
        **common: Any,
    ) -> None:
        own = {
            "steps_per_day": _checks.integer("steps_per_day", steps_per_day),
            "units": _checks.integer("units", units),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "num_experts": _checks.integer("num_experts", num_experts),
            "num_agents": _checks.integer("num_agents", num_agents),
        }
        num_features = _checks.integer("num_features", num_features)
        num_outputs = _checks.integer("num_outputs", num_outputs)
        if num_outputs > num_features:
            raise ValueError(
                "`num_outputs` must be at most `num_features`, because each forecast has the level "
                f"of a feature of the window. Received: num_outputs={num_outputs}, num_features="
                f"{num_features}. Use a smaller `num_outputs`."
            )
        sizes: dict[str, Any] = {"num_features": num_features, "num_outputs": num_outputs}
        super().__init__(fast, own, None, num_nodes, **sizes, **common)

    def choose_targets(self, targets: tuple[int, ...]) -> None:
        super().choose_targets(targets)
        self.get_layer("window_norm").targets = targets


def fast(signals: Mapping[str, Tensor], calendar: Tensor, arguments: Mapping[str, Any]) -> Tensor:
    """Computes the forecast of FaST. `Forecaster` describes the arguments."""
    parts, units = list(signals.values()), arguments["units"]
    newest = calendar[:, parts[0].shape[1] - 1]
    x = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
    covariates = arguments["past_covariates"]
    readings = x[..., : x.shape[-1] - covariates] if covariates else x
    norm = ReversibleNormalization(arguments["targets"], dtype="float32", name="window_norm")
    window = norm(readings)
    if covariates:
        window = ops.concatenate([window, x[..., -covariates:]], axis=-1)
    window = by_node(window)
    routing = routers(window, newest, arguments)
    experts = units, arguments["num_experts"]
    h = MixtureOfExperts(*experts, name="input_experts")(window, routing[0])
    h = SpatioTemporalEmbedding(arguments["steps_per_day"], name="embedding")(h, newest)
    agents = AgentTokens(arguments["num_agents"], name="agents")(h)
    skip = [h]
    for number in range(1, arguments["num_blocks"] + 1):
        name = f"block{number}"
        h = h + AgentAttention(name=f"{name}_attention")(h, agents)
        h = rms_norm(f"{name}_attention_norm")(h)
        mixed = MixtureOfExperts(*experts, name=f"{name}_experts")(h, routing[number])
        skip.append(mixed)
        if number < arguments["num_blocks"]:
            h = rms_norm(f"{name}_norm")(h + mixed)
    y = ops.concatenate(skip, axis=-1)
    y = layers.Dense(y.shape[-1], activation="relu", name="output_dense")(y)
    horizon, outputs = arguments["horizon"], arguments["num_outputs"]
    y = layers.Dense(horizon * outputs, dtype="float32", name="output")(y)
    return at_level(norm, readings, forecast_head(y, horizon, outputs), arguments["quantiles"])


def routers(
    window: Tensor, newest: Tensor, arguments: Mapping[str, Any]
) -> Sequence[Tensor | None]:
    """Computes the weights of the experts, for the input and for each block.

    Args:
        window: (batch, nodes, numbers), the normalised window.
        newest: (batch, 2), the calendar of its last step.
        arguments: dict of the arguments of the model.

    Returns:
        A list of tensors (batch, nodes, experts), or of None for a single expert.
    """
    experts, count = arguments["num_experts"], arguments["num_blocks"] + 1
    if experts == 1:
        return [None] * count
    scores = layers.Dense(count * experts, name="router")(window)
    embedding = SpatioTemporalEmbedding(arguments["steps_per_day"], name="router_embedding")
    scores = ops.reshape(embedding(scores, newest), (-1, window.shape[1], count, experts))
    return ops.unstack(ops.softmax(scores, axis=-1), count, axis=2)


def rms_norm(name: str) -> keras.layers.Layer:
    """Creates a layer x / √(mean square of x) · scale, which takes zeros to zeros."""
    return layers.RMSNormalization(epsilon=1e-16, name=name)


def at_level(
    norm: ReversibleNormalization, x: Tensor, y: Tensor, levels: Sequence[float] | None
) -> Tensor:
    """Brings a forecast to the level of the window.

    Args:
        norm: layer that has normalised `x`.
        x: (batch, time, nodes, features), the window.
        y: (batch, horizon, nodes, outputs), or with `levels`, (…, outputs · levels), what
            `MonotoneQuantiles` reads: the middle quantile, and distances of the others.
        levels: None, or the levels of the quantiles.

    Returns:
        A tensor of the shape of `y`.
    """
    if levels is None:
        return norm(x, y)
    count = len(levels)
    shape = (-1, *y.shape[1:-1], y.shape[-1] // count, count)
    parts = ops.unstack(ops.reshape(y, shape), count, axis=-1)
    middle = int(np.abs(np.array(levels) - 0.5).argmin())
    parts[middle] = norm(x, parts[middle])
    return ops.reshape(ops.stack(parts, axis=-1), (-1, *y.shape[1:]))
