"""The forecaster: data, model, baselines and their weights in one object."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import keras

from stgkeras import arguments
from stgkeras.datasets import training_steps
from stgkeras.datasets.series.series import Series
from stgkeras.exporting import export
from stgkeras.forecasting import building, fitting, training
from stgkeras.forecasting import folder as files
from stgkeras.forecasting.backtest import backtest
from stgkeras.forecasting.card import export_texts
from stgkeras.forecasting.covariates import described, with_covariates
from stgkeras.forecasting.errors import errors_on, ordered
from stgkeras.forecasting.fitted import Fitted
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.graph import graph_summary, with_graph
from stgkeras.forecasting.initial import fitted_of, with_features_of
from stgkeras.forecasting.intervals import levels_of
from stgkeras.forecasting.live import forecast, observe
from stgkeras.forecasting.observed import Observed
from stgkeras.forecasting.preset import Preset

if TYPE_CHECKING:
    import pandas as pd

    from stgkeras.datasets.series.joined import GraphLike


class Forecaster:
    """Forecasts the readings of sensors by a model and baselines, with the times of the forecast.

    `fit` splits the series in time, and fits the model and the baselines to the training part. The
    forecast is their weighted mean, with weights that have a small error on the validation part.
    `forecast` needs only the newest readings, and `observe` collects them step by step.

    Args:
        model: str, a name of `models.forecasters()`, such as "GraphSTID"; a model class of
            stgkeras; or a function `build(num_nodes, **arguments)` that returns such a model.
        horizon: int. Number of steps to forecast. Default 12.
        input_length: int or None. Number of steps that are read. Default: horizon, at least 12.
        season: "auto", True or False. Whether the model forecasts the deviation from the usual day
            of each sensor, see the argument `season` of the models. "auto": True, unless a ridge
            regression without a season has a validation error that is lower by at least a quarter.
        targets: str, sequence of str, or None. Names of the features to forecast. Default: all.
        graph: None, or a graph as in `load_series`, that replaces the graph of the series.
        quantiles: None, or rising levels with 0.5, such as (0.05, 0.5, 0.95). Forecasts then have
            these quantiles too, calibrated on the validation part (conformal prediction).
        **model_arguments: further arguments of the model, such as `dropout`.

    Attributes:
        model: the trained Keras model.
        form: description of the data: `names`, `features`, `units`, `targets` and others.
        weights: pandas frame, the weights of the model and of the baselines at each step ahead.
        split, errors: numbers of windows by part, and the last result of `evaluate()`; or None.

    Example:
        >>> import numpy as np, pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=14 * 24, freq="h", tz="Europe/Vienna")
        >>> wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
        >>> speeds = pd.DataFrame({"A": wave, "B": wave + 5}, times)
        >>> series = stgkeras.datasets.from_pandas(speeds, [[0, 1], [1, 0]], units="km/h")
        >>> forecaster = stgkeras.Forecaster("GraphSTID", horizon=3, units=4, num_blocks=1)
        >>> history = forecaster.fit(series, epochs=1, verbose=0)
        >>> forecast = forecaster.forecast(speeds[-12:])
        >>> str(forecast.times[0]), forecast.values.shape
        ('2024-05-15 00:00:00+02:00', (3, 2, 1))
    """

    def __init__(
        self,
        model: str | type | Callable[..., Any] = "GraphSTID",
        *,
        horizon: int = 12,
        input_length: int | None = None,
        season: str | bool = "auto",
        targets: str | Sequence[str] | None = None,
        graph: GraphLike | None = None,
        quantiles: Sequence[float] | None = None,
        **model_arguments: Any,
    ) -> None:
        self._build = building.constructor_of(model, model_arguments)
        self.horizon = arguments.integer("horizon", horizon)
        if input_length is None:
            input_length = max(12, self.horizon)
        self.input_length = arguments.integer("input_length", input_length)
        if type(season) not in (str, bool) or season not in ("auto", True, False):
            raise ValueError(f'`season` must be "auto", True or False. Received: season={season!r}')
        self.season, self.targets, self.graph = season, arguments.names("targets", targets), graph
        self.quantiles = levels_of(quantiles)
        self.model_arguments = model_arguments
        self._fitted: Fitted | Preset | None = None
        self._data: Any = None  # the series and the split of `fit`
        self._observed: Observed | None = None

    @property
    def model(self) -> Any:
        return self._ready().model

    @property
    def form(self) -> Form:
        return self._ready().form

    @property
    def weights(self) -> pd.DataFrame:
        return self._ready().weights

    @property
    def split(self) -> dict[str, int] | None:
        return self._ready().split

    @property
    def errors(self) -> pd.DataFrame | None:
        return self._ready().errors

    def fit(
        self,
        series: Series,
        *,
        covariates: Any = None,
        known: str | Mapping[str, str] = "past",
        attributes: pd.DataFrame | str | os.PathLike[str] | None = None,
        initial: Forecaster | str | os.PathLike[str] | None = None,
        epochs: int = 30,
        batch_size: int = 32,
        val: float | int = 0.2,
        test: float | int = 0.2,
        optimizer: Any = None,
        loss: Any = None,
        callbacks: Sequence[Any] = (),
        patience: int = 5,
        checkpoint: str | os.PathLike[str] | None = None,
        seed: int = 0,
        verbose: Any = "auto",
    ) -> keras.callbacks.History:
        """Trains the model, fits the baselines and weighs them.

        Args:
            series: `datasets.Series` with steps of equal length.
            covariates: None; or numbers beside the readings, such as weather: pandas frame of times
                × covariates, dict of name → frame of times × sensors, `Series`, or path of a csv
                file. A row counts from its time to the next row: give sums the time of their end.
            known: "past"; "future", if covariates are also known for the steps to forecast, such
                as a weather forecast; or a dict of name → one of them.
            attributes: None; or numbers of each sensor that do not change, such as lanes: pandas
                frame with the sensors as index, or path of a csv file.
            initial: None; or a trained forecaster or the path of its folder, with whose weights the
                model starts. Sensors keep their weights by name; a new sensor starts with the mean
                of its neighbours, or else of all sensors. `initial` must have the same features,
                covariates, interval and so on. Arguments of the model, except `dropout`, are those
                of `initial` if not given, or equal. Scaler, baselines and weights of the blend are
                computed from `series` alone. If no epoch lowers the validation error, the model
                keeps the weights of `initial`.
            epochs: int. Largest number of epochs. With `initial`, 0 trains no model.
            batch_size: int. Number of windows in a batch.
            val, test: sizes of these parts, as in `datasets.split_windows`.
            optimizer: Keras optimizer. Default: Adam, rate 0.001, gradient norm at most 5.
            loss: Keras loss. Default: `losses.MaskedMeanAbsoluteError`, or `losses.QuantileLoss`;
                with several targets, its `scale` is their standard deviations.
            callbacks: further Keras callbacks.
            patience: int. Epochs without a lower validation error that end training.
            checkpoint: None, or the path of a `.keras` file that is written after each epoch, and
                a file `.best.npz`. If they exist, training continues from them.
            seed: int. Seed of the weights and of the order of the windows.
            verbose: as in `keras.Model.fit`.

        Returns:
            Keras History.

        Raises:
            ValueError: if the series has no interval or no graph, is too short, lacks a covariate
                or does not fit `initial`; if `checkpoint` belongs to a training on other data.
        """
        arguments.integer("epochs", epochs, 1 if initial is None else 0)
        keras.utils.set_random_seed(seed)
        series = with_covariates(with_graph(series, self.graph), covariates)
        start = None if initial is None else fitted_of(initial, Forecaster)
        if start is not None:
            series = with_features_of(series, start.form)
        length, horizon = self.input_length, self.horizon
        split = training.split_series(series, length, horizon, val, test)
        form = Form.of(
            series, self.targets, length, horizon, training_steps(split, length, horizon)
        )
        form = replace(form, **described(series, known, attributes))
        self._fitted, history = fitting.fit(
            self,
            form,
            series,
            split,
            start,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            loss=loss,
            callbacks=callbacks,
            patience=patience,
            checkpoint=checkpoint,
            seed=seed,
            verbose=verbose,
        )
        self._data, self._observed = (series, split), None
        return history

    def evaluate(self, series: Series | None = None, *, covariates: Any = None) -> pd.DataFrame:
        """Computes test errors of the forecaster, the model and the baselines.

        Args:
            series: `Series`, all windows of it. None: the test part of the series of `fit`.
            covariates: as in `fit`.

        Returns:
            pandas frame with a row for each forecast, or for each pair (target, forecast) if there
            are several targets: MAE and RMSE over all steps and at a quarter, half and the end of
            the horizon, in the units of the target. With quantiles, also `quantile_scores`.
        """
        fitted = self._ready()
        if series is not None:
            series = with_covariates(ordered(fitted.form, series), covariates, fitted.form)
            return errors_on(fitted, series)
        if self._data is None:
            raise ValueError("`series` must be given after `load`. Received: series=None")
        series, split = self._data
        fitted.errors = errors_on(fitted, series, split.test)
        return fitted.errors.copy()

    forecast = forecast
    observe = observe
    backtest = backtest

    def graph_summary(self) -> dict[str, Any]:
        """Counts the edges and the parts of the graph.

        Returns:
            dict of "sensors", "edges" (pairs), "isolated" (names of sensors without an edge),
            "parts" (connected parts) and "median_edges" (of a sensor); {} without a graph.
        """
        return graph_summary(self.model.graph, self.form.names)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Saves the forecaster and its model card, without pickles, in a new or empty folder."""
        files.save(folder, self._ready())

    def export(self, path: str | os.PathLike[str], format: str = "onnx") -> float | None:
        """Writes the model as a file for another runtime, see `stgkeras.export`.

        The file holds the network with its scaler, season, graph and quantiles. Its forecast is
        that of "model" in `evaluate()`: the baselines and the calibration stay in the saved folder.
        A file "model.onnx" in this folder is what `stgkeras serve --runtime onnx` reads.

        Args:
            path, format: as in `stgkeras.export`. The JSON file beside also has the names of the
                sensors, units, interval, time zone and quantiles; ".md" is the model card.

        Returns:
            The largest relative difference from the model, or None, as in `stgkeras.export`.
        """
        fitted = self._ready()
        return export(fitted.model, path, format, **export_texts(fitted))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Opens a saved forecaster or a preset, on any backend.

        Args:
            folder: path of a folder that `save` wrote, or the name or folder of a preset. A preset
                with daily or weekly components reads more steps in `forecast`: the last days or
                weeks. The error for too few steps states the number.

        Raises:
            ValueError: if the folder is damaged, has files of two folders or no forecaster.
        """
        fitted = files.load(folder)
        form = fitted.form
        found = cls(
            type(fitted.model),
            horizon=form.horizon,
            input_length=form.input_length,
            season=fitted.season,
            targets=form.target_names,
            quantiles=fitted.model.quantiles,
            **building.own_arguments(fitted.model),
        )
        found._fitted = fitted
        return found

    def _ready(self) -> Fitted | Preset:
        if self._fitted is None:
            raise ValueError(
                "The `forecaster` must be trained first. Call `fit(series)`, or open a saved one "
                "with `Forecaster.load(folder)`."
            )
        return self._fitted
