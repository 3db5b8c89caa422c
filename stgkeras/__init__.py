"""Spatio-temporal graph networks for Keras 3."""

from stgkeras import callbacks, datasets, graphs, layers, losses, metrics, models, plots, tuning

__version__ = "0.1.0"

__all__ = [
    "callbacks",
    "datasets",
    "graphs",
    "layers",
    "losses",
    "metrics",
    "models",
    "plots",
    "tuning",
]
