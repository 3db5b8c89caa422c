from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from stgkeras.layers import (
    AdaptiveEmbedding,
    CalendarEmbedding,
    NodeEmbedding,
    TransformerBlock,
    _checks,
)
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import by_node, forecast_head, with_calendar
from stgkeras.types import Tensor

SPATIAL = ("exact", "linear")


@keras.saving.register_keras_serializable("stgkeras")
class STAEformer(Forecaster):
    """Spatio-temporal adaptive embedding transformer: attention along time, then along nodes.

        h = (linear map of the reading) ‖ time of day ‖ day of the week ‖ node ‖ E
        blocks along time, then blocks along nodes, each:
            h = layer normalisation of (h + dropout of attention of h)
            h = layer normalisation of (h + dropout of W2 ReLU(W1 h))
        forecast = linear map of all steps of the node

    Time of day, day of the week and node are trainable vectors, E is the adaptive embedding, a
    trainable vector of each step of the window and node, and ‖ is concatenation. No graph is used.
    Exact attention along nodes has N² weights at each step and head: use it up to about 1,000
    nodes. Linear attention estimates the same function at a cost that is linear in N, see
    `layers.AxialAttention`.

    Args:
        steps_per_day: int. Number of steps in a day. Default 288, steps of 5 minutes.
        input_units: int. Length of the linear map of a reading. Default 24.
        day_units, week_units, node_units, adaptive_units: int ≥ 0. Lengths of the vectors of the
            time of day, the day of the week and the node, and of E. 0 means no such vector.
            Defaults 24, 24, 0 and 80. `num_heads` must divide the sum of all lengths.
        feed_forward_units: int. Length of ReLU(W1 h). Default 256.
        num_blocks: int. Number of blocks along time, and of blocks along nodes. Default 3.
        num_heads: int. Number of heads of the attention. Default 4.
        calendar_features: bool. Whether the time of day and the day of the week (0 to 6) are
            features of the reading too, as in the published settings. Default True.
        mixed_output: bool. Whether one linear map takes all steps and features to the forecast.
            With False, a map of the steps and then a map of the features. Default True.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.1.
        spatial_attention: str. "exact", or "linear": attention along nodes by positive random
            features. Default "exact".
        random_features: int. Number of random features of linear attention. Default 64.

    Call arguments:
        x: dict of "x", tensor (batch, input_length, num_nodes, num_features); "past_calendar"
            (batch, input_length, 2), the `datasets.calendar` of these steps, see
            `datasets.Windows`; and with `season`, "calendar" (batch, horizon, 2).

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the scaler or the season
            was never set, or an input has infinite values or NaN. With `normalize` or `season`,
            NaN in a signal is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.STAEformer(5, steps_per_day=24, horizon=3, num_blocks=1)
        >>> x = {"x": np.zeros((2, 12, 5, 1)), "past_calendar": np.zeros((2, 12, 2))}
        >>> tuple(model(x).shape)
        (2, 3, 5, 1)

    Source:
        Liu et al., 2023, arXiv:2308.10425 (STAEformer). Departs from the paper: E has a vector of
        each step and node, as in the released code. Departs from the code: with `normalize` or
        `season`, missing readings are the mean or the season, where the code reads zeros.
    """

    takes_graph, reads_calendar, takes_components = False, True, False

    def __init__(
        self,
        num_nodes: int,
        *,
        input_length: int = 12,
        steps_per_day: int = 288,
        input_units: int = 24,
        day_units: int = 24,
        week_units: int = 24,
        node_units: int = 0,
        adaptive_units: int = 80,
        feed_forward_units: int = 256,
        num_blocks: int = 3,
        num_heads: int = 4,
        calendar_features: bool = True,
        mixed_output: bool = True,
        dropout: float = 0.1,
        spatial_attention: str = "exact",
        random_features: int = 64,
        **common: Any,
    ) -> None:
        own = {
            "steps_per_day": _checks.integer("steps_per_day", steps_per_day),
            "input_units": _checks.integer("input_units", input_units),
            "day_units": _checks.integer("day_units", day_units, 0),
            "week_units": _checks.integer("week_units", week_units, 0),
            "node_units": _checks.integer("node_units", node_units, 0),
            "adaptive_units": _checks.integer("adaptive_units", adaptive_units, 0),
            "feed_forward_units": _checks.integer("feed_forward_units", feed_forward_units),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "num_heads": _checks.integer("num_heads", num_heads),
            "calendar_features": _checks.boolean("calendar_features", calendar_features),
            "mixed_output": _checks.boolean("mixed_output", mixed_output),
            "dropout": _checks.fraction("dropout", dropout),
            "spatial_attention": _checks.one_of("spatial_attention", spatial_attention, SPATIAL),
            "random_features": _checks.integer("random_features", random_features),
        }
        names = ("input_units", "day_units", "week_units", "node_units", "adaptive_units")
        width = sum(own[name] for name in names)
        if width % own["num_heads"]:
            raise ValueError(
                f"`num_heads` must divide the sum of {', '.join(f'`{name}`' for name in names)}. "
                f"Received: num_heads={num_heads}, a sum of {width}. Change one of them."
            )
        super().__init__(staeformer, own, None, num_nodes, input_length=input_length, **common)

    def redraw(self, seed: int | None = None) -> None:
        """Draws the directions of the random features of linear attention again.

        Call it between calls of `fit`, so that the model does not adapt to one draw.

        Args:
            seed: None, or int ≥ 0, for a draw that can be repeated.

        Raises:
            ValueError: if the model has exact attention, or the seed is invalid.
        """
        if self.spatial_attention != "linear":
            raise ValueError(
                "`redraw` needs spatial_attention='linear'. Received: spatial_attention="
                f"{self.spatial_attention!r}. Omit the call."
            )
        rng = random.Random(None if seed is None else _checks.integer("seed", seed, 0))
        for number in range(1, self.num_blocks + 1):
            self.get_layer(f"nodes{number}").attention.redraw(rng.randrange(2**31))


def staeformer(
    signals: Mapping[str, Tensor], calendar: Tensor, arguments: Mapping[str, Any]
) -> Tensor:
    """Computes the forecast of STAEformer. `Forecaster` describes the arguments."""
    x, nodes = signals["recent"], arguments["num_nodes"]
    if arguments["calendar_features"]:
        x = with_calendar(x, calendar)
    h = layers.Dense(arguments["input_units"], name="input_dense")(x)
    sizes = arguments["steps_per_day"], arguments["day_units"], arguments["week_units"]
    if any(sizes[1:]):
        known = CalendarEmbedding(*sizes, name="calendar_embedding")(calendar)  # (B, T, units)
        h = ops.concatenate([h, ops.repeat(known[:, :, None], nodes, axis=2)], axis=-1)
    if arguments["node_units"]:
        h = NodeEmbedding(arguments["node_units"], name="node_embedding")(h)
    if arguments["adaptive_units"]:
        h = AdaptiveEmbedding(arguments["adaptive_units"], name="adaptive_embedding")(h)
    is_linear = arguments["spatial_attention"] == "linear"
    along_nodes = arguments["random_features"] if is_linear else None
    for axis, features in (("time", None), ("nodes", along_nodes)):
        for number in range(1, arguments["num_blocks"] + 1):
            h = TransformerBlock(
                arguments["num_heads"],
                axis,
                arguments["feed_forward_units"],
                dropout=arguments["dropout"],
                random_features=features,
                name=f"{axis}{number}",
            )(h)
    horizon, outputs = arguments["horizon"], arguments["num_outputs"]
    if arguments["mixed_output"]:
        y = layers.Dense(horizon * outputs, dtype="float32", name="output")(by_node(h))
        return forecast_head(y, horizon, outputs)
    h = ops.transpose(h, (0, 2, 3, 1))  # (B, N, C, T)
    h = layers.Dense(horizon, name="output_steps")(h)
    h = ops.transpose(h, (0, 3, 1, 2))
    return layers.Dense(outputs, dtype="float32", name="output")(h)
