"""Random inputs on which an exported file is compared with its model."""

from __future__ import annotations

import numpy as np

from stgkeras.exporting.signature import Signature


def random_windows(signature: Signature, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Returns random inputs of a model: the first window is ahead of a Monday at midnight.

    Readings have the mean and deviation of the scaler or the season of the model. If the model
    takes missing readings, a tenth are missing, and one sensor of the last window is silent.

    Args:
        signature: `Signature`.
        batch: int. Number of windows.
        seed: int.
    """
    rng, model = np.random.default_rng(seed), signature.model
    day = getattr(model, "season", None) or getattr(model, "steps_per_day", None) or 24
    first = rng.integers(0, 7 * day, batch)
    first[0] = 0
    missing = model.normalize or getattr(model, "season", None) is not None

    def draw(name, shape):
        size = (batch, *shape[1:])
        if name in ("calendar", "past_calendar"):
            steps = np.arange(size[1]) - (size[1] if name == "past_calendar" else 0)
            step = (first[:, None] + steps) % (7 * day)
            return np.stack([step % day / day, step // day], axis=-1)
        values = rng.standard_normal(size)
        if name in ("graph", "history"):  # (…, N, N) and (batch, N, N, features)
            axes = (-1, -2) if name == "graph" else (1, 2)
            return np.maximum(values, 0) + np.maximum(np.swapaxes(values, *axes), 0)
        if name.endswith("covariates"):
            return values
        for feature, (mean, std) in enumerate(_scales(model, size[-1])):
            values[..., feature] = mean + std * values[..., feature]
        if missing:
            values[rng.random(size) < 0.1] = np.nan
            values[-1, :, 0] = np.nan
        return values

    return {name: draw(name, shape).astype("float32") for name, shape in signature.inputs.items()}


def _scales(model, features):
    """Returns the mean and the standard deviation of each feature of the readings."""
    for layer in model.layers:
        if layer.name == "scaler":
            return [layer.scale_of(feature) for feature in range(features)]
    return [(0.0, 1.0)] * features
