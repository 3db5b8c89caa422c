"""Figures of data, forecasts, predicted links and training logs.

Each function imports Matplotlib when it is called. Curves differ in line style or marker as well as
in colour, so a greyscale print can be read. In a column 3.4 inches wide, the text has about
6 points or more.
"""

from __future__ import annotations

from stgkeras.plots.accuracies import accuracies
from stgkeras.plots.backtests import backtest
from stgkeras.plots.classes import classes
from stgkeras.plots.errors import errors_by_sensor, errors_in_time
from stgkeras.plots.forecasts import forecast, forecast_fan
from stgkeras.plots.graphs import graph, spectral_filters
from stgkeras.plots.intervals import intervals
from stgkeras.plots.links import adjacency, reliability
from stgkeras.plots.matrices import attention
from stgkeras.plots.parts import partition
from stgkeras.plots.ties import likely_links, predicted_links
from stgkeras.plots.training import learning_curves

__all__ = [
    "accuracies",
    "adjacency",
    "attention",
    "backtest",
    "classes",
    "errors_by_sensor",
    "errors_in_time",
    "forecast",
    "forecast_fan",
    "graph",
    "intervals",
    "learning_curves",
    "likely_links",
    "partition",
    "predicted_links",
    "reliability",
    "spectral_filters",
]
