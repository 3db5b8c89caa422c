"""Data: load functions, splits in time, windows in batches, and baselines."""

from stgkeras.datasets.calendar import calendar
from stgkeras.datasets.citations import Citations, load_cora
from stgkeras.datasets.contacts import Contacts, contacts_from_arrays, load_contacts
from stgkeras.datasets.dynamic_graphs import DynamicGraphs, load_dynamic_graphs, split_sequences
from stgkeras.datasets.edge_baselines import (
    edge_probabilities,
    exponential_mean,
    last_graph,
    oracle,
    window_mean,
)
from stgkeras.datasets.forecast_baselines import (
    historical_mean,
    last_value,
    residual_ridge,
    same_time,
)
from stgkeras.datasets.node_features import node_features
from stgkeras.datasets.own_data import from_arrays, from_csv, from_pandas
from stgkeras.datasets.series import Series
from stgkeras.datasets.snapshots import Snapshots
from stgkeras.datasets.splits import Split, split_windows, training_steps
from stgkeras.datasets.traffic import load_series
from stgkeras.datasets.traffic_sources import (
    load_los_loop,
    load_metr_la,
    load_pems03,
    load_pems04,
    load_pems07,
    load_pems08,
    load_pems_bay,
    load_pemsd7m,
    load_sz_taxi,
)
from stgkeras.datasets.windows import Windows
from stgkeras.seasons import leave_one_day_out

__all__ = [
    "Citations",
    "Contacts",
    "DynamicGraphs",
    "Series",
    "Snapshots",
    "Split",
    "Windows",
    "calendar",
    "contacts_from_arrays",
    "edge_probabilities",
    "exponential_mean",
    "from_arrays",
    "from_csv",
    "from_pandas",
    "historical_mean",
    "last_graph",
    "last_value",
    "leave_one_day_out",
    "load_contacts",
    "load_cora",
    "load_dynamic_graphs",
    "load_los_loop",
    "load_metr_la",
    "load_pems03",
    "load_pems04",
    "load_pems07",
    "load_pems08",
    "load_pems_bay",
    "load_pemsd7m",
    "load_series",
    "load_sz_taxi",
    "node_features",
    "oracle",
    "residual_ridge",
    "same_time",
    "split_sequences",
    "split_windows",
    "training_steps",
    "window_mean",
]
