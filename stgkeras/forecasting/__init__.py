"""From readings to a dated forecast: data, model, baselines and files in one object.

The names are imported when they are first used: a forecaster that was exported to ONNX is served
without Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgkeras._lazy import on_first_use

if TYPE_CHECKING:
    from stgkeras.forecasting.backtest import Backtest
    from stgkeras.forecasting.building import series_arguments
    from stgkeras.forecasting.comparison import compare
    from stgkeras.forecasting.forecaster import Forecaster
    from stgkeras.forecasting.online import OnlineCalibration
    from stgkeras.forecasting.result import Forecast

FILES = {
    "Backtest": "backtest",
    "Forecast": "result",
    "Forecaster": "forecaster",
    "OnlineCalibration": "online",
    "compare": "comparison",
    "series_arguments": "building",
}

__all__ = [
    "Backtest",
    "Forecast",
    "Forecaster",
    "OnlineCalibration",
    "compare",
    "series_arguments",
]

__getattr__, __dir__ = on_first_use(__name__, FILES)
