from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from stgkeras.layers import CalendarEmbedding, NodeEmbedding, _checks
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import by_node, forecast_head, with_calendar
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class STID(Forecaster):
    """Spatial and temporal identity (STID): a multilayer perceptron that knows node and time.

        h = (linear map of the window of the node) ‖ node ‖ time of day ‖ day of the week
        blocks, each: h = h + W2 dropout(ReLU(W1 h))
        forecast = linear map of h

    The node, the time of day and the day of the week are trainable vectors (identities), and ‖ is
    concatenation. The time is that of the last step of the window. All nodes share all weights
    except the vectors, and no graph is used, so that the cost is linear in the number of nodes.

    Args:
        steps_per_day: int. Number of steps in a day. Default 288, steps of 5 minutes.
        units: int. Length of the linear map of the window. Default 32.
        num_blocks: int. Number of blocks. Default 3.
        node_units, day_units, week_units: int ≥ 0. Lengths of the vectors of the node, the time of
            day and the day of the week. 0 means no such vector. Default 32.
        calendar_features: bool. Whether the time of day and the day of the week (0 to 6) of each
            step are features of the window too, as in the published settings. Default True.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.15.

    Call arguments:
        x: dict of "x", tensor (batch, input_length, num_nodes, num_features), or of "recent",
            "daily" and "weekly" with components; "past_calendar" (batch, input_length, 2), the
            `datasets.calendar` of these steps, see `datasets.Windows`; and with `season`,
            "calendar" (batch, horizon, 2), that of the steps to forecast.

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the scaler or the season
            was never set, or an input has infinite values or NaN. With `normalize` or `season`,
            NaN in a signal is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.STID(5, steps_per_day=24, horizon=3)
        >>> x = {"x": np.zeros((2, 12, 5, 1)), "past_calendar": np.zeros((2, 12, 2))}
        >>> tuple(model(x).shape)
        (2, 3, 5, 1)

    Source:
        Shao et al., 2022, arXiv:2208.05233, equations 2 to 5. The dropout is that of the released
        code, and not in the paper. Departs from both: with `normalize` or `season`, missing
        readings are the mean or the season, where the code reads zeros.
    """

    takes_graph, reads_calendar = False, True

    def __init__(
        self,
        num_nodes: int,
        *,
        steps_per_day: int = 288,
        units: int = 32,
        num_blocks: int = 3,
        node_units: int = 32,
        day_units: int = 32,
        week_units: int = 32,
        calendar_features: bool = True,
        dropout: float = 0.15,
        **common: Any,
    ) -> None:
        own = {
            "steps_per_day": _checks.integer("steps_per_day", steps_per_day),
            "units": _checks.integer("units", units),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "node_units": _checks.integer("node_units", node_units, 0),
            "day_units": _checks.integer("day_units", day_units, 0),
            "week_units": _checks.integer("week_units", week_units, 0),
            "calendar_features": _checks.boolean("calendar_features", calendar_features),
            "dropout": _checks.fraction("dropout", dropout),
        }
        super().__init__(stid, own, None, num_nodes, **common)


def stid(signals: Mapping[str, Tensor], calendar: Tensor, arguments: Mapping[str, Any]) -> Tensor:
    """Computes the forecast of STID. `Forecaster` describes the arguments."""
    nodes, low, windows = arguments["num_nodes"], 0, []
    for x in signals.values():
        if arguments["calendar_features"]:
            x = with_calendar(x, calendar[:, low : low + x.shape[1]])
        low += x.shape[1]
        windows.append(by_node(x))
    h = ops.concatenate(windows, axis=-1)
    h = layers.Dense(arguments["units"], name="input_dense")(h)
    if arguments["node_units"]:
        h = NodeEmbedding(arguments["node_units"], name="node_embedding")(h)
    sizes = arguments["steps_per_day"], arguments["day_units"], arguments["week_units"]
    if any(sizes[1:]):
        newest = calendar[:, next(iter(signals.values())).shape[1] - 1, None]
        known = CalendarEmbedding(*sizes, name="calendar_embedding")(newest)  # (B, 1, units)
        h = ops.concatenate([h, ops.repeat(known, nodes, axis=1)], axis=-1)
    for number in range(1, arguments["num_blocks"] + 1):
        h = stid_block(h, arguments["dropout"], f"block{number}")
    horizon, num_outputs = arguments["horizon"], arguments["num_outputs"]
    y = layers.Dense(horizon * num_outputs, dtype="float32", name="output")(h)
    return forecast_head(y, horizon, num_outputs)


def stid_block(h: Tensor, dropout: float, name: str) -> Tensor:
    """Computes one block of STID, h + W2 dropout(ReLU(W1 h)).

    Args:
        h: (batch, nodes, units).
        dropout: float.
        name: str. Start of the names of the layers.

    Returns:
        (batch, nodes, units).
    """
    units = h.shape[-1]
    d = layers.Dense(units, activation="relu", name=f"{name}_dense")(h)
    d = layers.Dropout(dropout, name=f"{name}_dropout")(d)
    return h + layers.Dense(units, name=f"{name}_output")(d)
