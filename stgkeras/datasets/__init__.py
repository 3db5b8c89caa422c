"""Data sets: load and split data, cut it into windows, and compute baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from stgkeras.datasets.published.stsgcn import load_pems03, load_pems04, load_pems07, load_pems08
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
from stgkeras.seasons import leave_one_day_out

if TYPE_CHECKING:
    from stgkeras.datasets.series.windows import Windows

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


def __getattr__(name: str) -> Any:
    # `Windows` needs Keras with a backend; all other data and baselines need NumPy alone.
    if name != "Windows":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stgkeras.datasets.series.windows import Windows

    return Windows


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
