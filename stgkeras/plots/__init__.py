"""Pictures of data, forecasts and trainings. Matplotlib is imported when a function is called.

Lines differ in style or marker too, so that they are told apart in greyscale; at the width of a
column, 3.4 inches, the type is at least about 6 points.
"""

from stgkeras.plots.errors import errors_by_sensor, errors_in_time
from stgkeras.plots.forecasts import forecast, forecast_fan
from stgkeras.plots.graphs import graph, spectral_filters
from stgkeras.plots.links import adjacency, reliability
from stgkeras.plots.matrices import attention
from stgkeras.plots.ties import likely_links, predicted_links
from stgkeras.plots.training import learning_curves

__all__ = [
    "adjacency",
    "attention",
    "errors_by_sensor",
    "errors_in_time",
    "forecast",
    "forecast_fan",
    "graph",
    "learning_curves",
    "likely_links",
    "predicted_links",
    "reliability",
    "spectral_filters",
]
