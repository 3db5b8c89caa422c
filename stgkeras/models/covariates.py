"""Covariates of forecasters: numbers beside the signal that are known for a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.layers import StandardScaler
from stgkeras.types import Array, Tensor

NAMES = ("past_covariates", "future_covariates")


def with_covariates(
    signals: Mapping[str, Tensor], arguments: Mapping[str, Any]
) -> tuple[dict[str, Tensor], Tensor | None, dict[str, Tensor]]:
    """Creates the inputs of covariates, and joins those of the past to the signals.

    Args:
        signals: dict of the standardised signal (batch, time, nodes, features) of each component.
        arguments: dict of the arguments of the model.

    Returns:
        The signals with the past covariates as further features; the standardised future covariates
        or None; and a dict of the new inputs.
    """
    nodes, inputs, known = arguments["num_nodes"], {}, {}
    lengths = {name: x.shape[1] for name, x in signals.items()}
    steps = sum(lengths.values()), arguments["horizon"]
    for name, length in zip(NAMES, steps, strict=True):
        if arguments[name]:
            inputs[name] = keras.Input((length, nodes, arguments[name]), name=name)
            known[name] = inputs[name]
            if arguments["normalize"] or arguments["season"] is not None:
                scaler = StandardScaler(arguments[name], dtype="float32", name=f"{name}_scaler")
                known[name] = scaler(known[name])
    joined, low = dict(signals), 0
    if "past_covariates" in known:
        for name, length in lengths.items():
            part = known["past_covariates"][:, low : low + length]
            joined[name] = ops.concatenate([signals[name], part], axis=-1)
            low += length
    return joined, known.get("future_covariates"), inputs


def adapt_covariates(model: Any, given: Mapping[str, Array | None]) -> None:
    """Fits the scalers of covariates to training values. `Forecaster.adapt` describes them."""
    for name, values in given.items():
        count = getattr(model, name)
        if (values is None) != (count == 0):
            fix = f"Pass the {count} training covariates" if count else "Omit it"
            raise ValueError(
                f"`{name}` must be given to a model with covariates, and to no other. Received: "
                f"{name} of type {type(values).__name__}, model with {name}={count}. {fix}."
            )
        if values is None:
            continue
        values = np.asarray(values)
        if values.ndim not in (2, 3) or values.shape[-1] != count:
            raise ValueError(
                f"`{name}` must have shape (T, {count}) or (T, nodes, {count}). Received: "
                f"shape={values.shape}"
            )
        model.get_layer(f"{name}_scaler").adapt(values)
