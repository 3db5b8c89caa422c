"""Predictions of a link predictor and of baselines, for all windows of a part."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras import datasets


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
