"""Spatio-temporal graph networks for Keras 3.

The parts are imported when they are first used. `datasets`, `graphs` and `plots` work without any
of TensorFlow, JAX and PyTorch; the others need Keras and one of the three.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stgkeras import _keras

if TYPE_CHECKING:
    from stgkeras import (
        callbacks,
        datasets,
        forecasting,
        graphs,
        layers,
        links,
        losses,
        metrics,
        models,
        parallel,
        plots,
        reports,
        tuning,
    )
    from stgkeras.exporting import export
    from stgkeras.forecasting import Forecaster

__version__ = "0.2.0"

__all__ = [
    "Forecaster",
    "callbacks",
    "datasets",
    "export",
    "forecasting",
    "graphs",
    "layers",
    "links",
    "losses",
    "metrics",
    "models",
    "parallel",
    "plots",
    "reports",
    "tuning",
]


CALLABLES = {"Forecaster": "forecasting", "export": "exporting"}  # name → its part


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'stgkeras' has no attribute {name!r}")
    if name in CALLABLES:
        return getattr(importlib.import_module(f"stgkeras.{CALLABLES[name]}"), name)
    return importlib.import_module(f"stgkeras.{name}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]


_keras.watch()
