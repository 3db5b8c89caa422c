"""Data: load functions, splits in time, windows in batches, and baselines."""

from stgkeras.datasets.calendar import calendar
from stgkeras.datasets.citations import Citations, load_cora
from stgkeras.datasets.dynamic_graphs import DynamicGraphs, load_dynamic_graphs, split_sequences
from stgkeras.datasets.edge_baselines import (
    edge_probabilities,
    exponential_mean,
    last_graph,
    oracle,
    window_mean,
)
from stgkeras.datasets.forecast_baselines import last_value, same_time
from stgkeras.datasets.node_features import node_features
from stgkeras.datasets.splits import Split, split_windows, training_steps
from stgkeras.datasets.traffic import Series, load_series
from stgkeras.datasets.windows import Windows

__all__ = [
    "Citations",
    "DynamicGraphs",
    "Series",
    "Split",
    "Windows",
    "calendar",
    "edge_probabilities",
    "exponential_mean",
    "last_graph",
    "last_value",
    "load_cora",
    "load_dynamic_graphs",
    "load_series",
    "node_features",
    "oracle",
    "same_time",
    "split_sequences",
    "split_windows",
    "training_steps",
    "window_mean",
]
