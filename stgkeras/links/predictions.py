"""Predictions of a link predictor and of baselines, for all windows of a part."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from stgkeras import arguments, datasets


def check_windows(name: str, windows: Any) -> None:
    """Raises TypeError or ValueError unless `windows` are unshuffled windows of graphs.

    Args:
        name: str. Name of the argument in errors.
        windows: any object.
    """
    if not hasattr(windows, "starts"):
        raise TypeError(
            f"`{name}` must be windows of graphs. Received: {name} of type "
            f"{type(windows).__name__}. Pass the result of `Snapshots.windows`."
        )
    if windows.shuffle:
        raise ValueError(
            f"`{name}` must not be shuffled. Received: windows with shuffle=True. Create them with "
            "`shuffle=False`."
        )
    batch = windows[0]
    if len(batch) != 2 or not isinstance(batch[0], dict) or "graph" not in batch[0]:
        raise ValueError(
            f"`{name}` must hold batches (inputs, graphs) with an input `graph`. Received: a batch "
            f"of {len(batch)} parts. Use `Snapshots.windows` without `negatives`."
        )


def check_snapshots(name: str, windows: Any) -> None:
    """Raises an error unless `windows` can be checked, and come from `Snapshots.windows`."""
    check_windows(name, windows)
    if not hasattr(windows, "snapshots"):
        raise TypeError(
            f"`{name}` must be windows of snapshots. Received: {name} of type "
            f"{type(windows).__name__}. Pass the result of `Snapshots.windows`."
        )


def check_model(model: Any) -> None:
    """Raises TypeError unless `model` is a Keras model that returns graphs."""
    fix = "Pass a link predictor, such as `stgkeras.models.STGCNLinkPredictor(...)`."
    arguments.instance("model", model, keras.Model, fix)
    shape = getattr(model, "output_shape", (None, None, None))
    if not isinstance(shape, tuple) or len(shape) != 3 or shape[1] != shape[2]:
        raise TypeError(
            "`model` must return probabilities (batch, N, N). Received: a model that returns "
            f"{shape}. {fix}"
        )


def input_names(model: Any) -> set[str]:
    """Returns the names of the inputs of a model; none if only a call shows them."""
    return {tensor.name for tensor in getattr(model, "inputs", None) or ()}


def check_inputs(name: str, found: dict[str, np.ndarray], model: Any) -> None:
    """Raises ValueError if the inputs `found` of the argument `name` are not those of a model."""
    wanted = {tensor.name: tensor.shape[1:] for tensor in getattr(model, "inputs", None) or ()}
    given = {key: array.shape[1:] for key, array in found.items()}
    if wanted and wanted != given:
        raise ValueError(
            f"`{name}` must have the inputs of the model: {_shapes(wanted)}. Received: "
            f"{_shapes(given)}. Pass the `input_length`, the `history` and the nodes of the model."
        )


def _shapes(inputs):
    return ", ".join(f"{name} {tuple(inputs[name])}" for name in sorted(inputs))


def check_direction(name: str, directed: bool, other: str, wanted: Any) -> None:
    """Raises ValueError if `name` is directed and `other` is not, or the other way round."""
    if wanted is not None and bool(wanted) != directed:
        raise ValueError(
            f"`{name}` must have the direction of `{other}`. Received: {name} with "
            f"directed={directed}, {other} with directed={wanted}. Load the contacts with "
            f"`directed={wanted}`, or use a model with `directed={directed}`."
        )


def is_directed(windows: Any) -> bool:
    """Returns whether the links are directed. Generated graphs are not."""
    return bool(getattr(windows, "directed", False))


def truth(windows: Any) -> np.ndarray:
    """Returns the graph to predict in each window, (windows, N, N)."""
    return np.concatenate([windows[number][1] for number in range(len(windows))])


def baselines(windows: Any) -> dict[str, np.ndarray]:
    """Returns the baselines as a dict of name → (windows, N, N): means of the input graphs."""
    graphs = np.concatenate([windows[number][0]["graph"] for number in range(len(windows))])
    graphs = graphs > 0
    return {
        "last graph": datasets.last_graph(graphs).astype("float32"),
        "mean of the window": datasets.window_mean(graphs),
        "exponential mean": datasets.exponential_mean(graphs),
    }


def histories(windows: Any) -> np.ndarray | None:
    """Returns the history of the pairs, (constants, windows, N, N), or None without a history."""
    inputs = [windows[number][0] for number in range(len(windows))]
    if "history" not in inputs[0]:
        return None
    return np.moveaxis(np.concatenate([x["history"] for x in inputs]), -1, 0)
