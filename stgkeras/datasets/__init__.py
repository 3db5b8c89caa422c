"""Data sets: load and split data, cut it into windows, and compute baselines.

The names are imported when they are first used: `Windows` needs Keras with a backend, some need
SciPy, and the others NumPy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgkeras._lazy import on_first_use
from stgkeras.seasons import leave_one_day_out

if TYPE_CHECKING:
    from stgkeras.datasets.links.contacts import Contacts, contacts_from_arrays, load_contacts
    from stgkeras.datasets.links.dynamic_graphs import (
        DynamicGraphs,
        load_dynamic_graphs,
        split_sequences,
    )
    from stgkeras.datasets.links.edge_baselines import (
        edge_probabilities,
        exponential_mean,
        last_graph,
        oracle,
        window_mean,
    )
    from stgkeras.datasets.links.node_features import node_features
    from stgkeras.datasets.links.office import make_contacts
    from stgkeras.datasets.links.snapshots import Snapshots
    from stgkeras.datasets.published.citation_network import Citations
    from stgkeras.datasets.published.citations import load_citeseer, load_cora
    from stgkeras.datasets.published.dcrnn import load_metr_la, load_pems_bay
    from stgkeras.datasets.published.digits import Digits, load_digits
    from stgkeras.datasets.published.stgcn import load_pemsd7m
    from stgkeras.datasets.published.stsgcn import (
        load_pems03,
        load_pems04,
        load_pems07,
        load_pems08,
    )
    from stgkeras.datasets.published.tgcn import load_los_loop, load_sz_taxi
    from stgkeras.datasets.series.calendar import calendar
    from stgkeras.datasets.series.forecast_baselines import (
        historical_mean,
        last_value,
        residual_ridge,
        same_time,
    )
    from stgkeras.datasets.series.frames import from_pandas
    from stgkeras.datasets.series.latest import latest_window
    from stgkeras.datasets.series.load import from_csv, load_series
    from stgkeras.datasets.series.own_data import from_arrays
    from stgkeras.datasets.series.series import Series
    from stgkeras.datasets.series.splits import Split, split_windows, training_steps
    from stgkeras.datasets.series.windows import Windows

FILES = {
    "Citations": "published.citation_network",
    "Contacts": "links.contacts",
    "Digits": "published.digits",
    "DynamicGraphs": "links.dynamic_graphs",
    "Series": "series.series",
    "Snapshots": "links.snapshots",
    "Split": "series.splits",
    "Windows": "series.windows",
    "calendar": "series.calendar",
    "contacts_from_arrays": "links.contacts",
    "edge_probabilities": "links.edge_baselines",
    "exponential_mean": "links.edge_baselines",
    "from_arrays": "series.own_data",
    "from_csv": "series.load",
    "from_pandas": "series.frames",
    "historical_mean": "series.forecast_baselines",
    "last_graph": "links.edge_baselines",
    "last_value": "series.forecast_baselines",
    "latest_window": "series.latest",
    "load_citeseer": "published.citations",
    "load_contacts": "links.contacts",
    "load_cora": "published.citations",
    "load_digits": "published.digits",
    "load_dynamic_graphs": "links.dynamic_graphs",
    "load_los_loop": "published.tgcn",
    "load_metr_la": "published.dcrnn",
    "load_pems03": "published.stsgcn",
    "load_pems04": "published.stsgcn",
    "load_pems07": "published.stsgcn",
    "load_pems08": "published.stsgcn",
    "load_pems_bay": "published.dcrnn",
    "load_pemsd7m": "published.stgcn",
    "load_series": "series.load",
    "load_sz_taxi": "published.tgcn",
    "make_contacts": "links.office",
    "node_features": "links.node_features",
    "oracle": "links.edge_baselines",
    "residual_ridge": "series.forecast_baselines",
    "same_time": "series.forecast_baselines",
    "split_sequences": "links.dynamic_graphs",
    "split_windows": "series.splits",
    "training_steps": "series.splits",
    "window_mean": "links.edge_baselines",
}

__all__ = [
    "Citations",
    "Contacts",
    "Digits",
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
    "latest_window",
    "leave_one_day_out",
    "load_citeseer",
    "load_contacts",
    "load_cora",
    "load_digits",
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
    "make_contacts",
    "node_features",
    "oracle",
    "residual_ridge",
    "same_time",
    "split_sequences",
    "split_windows",
    "training_steps",
    "window_mean",
]

__getattr__, __dir__ = on_first_use(__name__, FILES)
