"""From readings to a dated forecast: data, model, baselines and files in one object."""

from stgkeras.forecasting.backtest import Backtest
from stgkeras.forecasting.building import series_arguments
from stgkeras.forecasting.comparison import compare
from stgkeras.forecasting.forecaster import Forecaster
from stgkeras.forecasting.online import OnlineCalibration
from stgkeras.forecasting.result import Forecast

__all__ = [
    "Backtest",
    "Forecast",
    "Forecaster",
    "OnlineCalibration",
    "compare",
    "series_arguments",
]
