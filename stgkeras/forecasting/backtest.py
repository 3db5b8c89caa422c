"""Backtests: forecasts from many origins, each from what was known before it."""

from __future__ import annotations

import copy
import hashlib
import os
import pathlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.clocks import in_zone
from stgkeras.datasets.series.files import read_npz, write_npz
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.attributes import attributes_of
from stgkeras.forecasting.backtest_checks import check_fit, check_length
from stgkeras.forecasting.covariates import fit_options, with_covariates
from stgkeras.forecasting.errors import ordered
from stgkeras.forecasting.fitted import Fitted
from stgkeras.forecasting.graph import with_graph_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from several origins, beside the readings that followed.

    Args:
        origins: (W,) pandas index: the times of the first forecast step, or their numbers.
        truth: (W, H, N, C) readings; NaN if missing.
        forecasts: dict of name → (W, H, N, C): the forecaster, its model and the baselines.
        fitted: (W,) ints. The step before which the forecaster of each origin was trained.
        stride: int. Number of steps from one origin to the next.
        quantiles: (W, H, N, C, Q) quantiles of the forecaster, or None.
    """

    origins: pd.Index
    truth: np.ndarray
    forecasts: dict[str, np.ndarray]
    fitted: np.ndarray
    stride: int = 1
    quantiles: np.ndarray | None = None

    def by_origin(self) -> pd.DataFrame:
        """Returns the mean absolute errors, a row for each origin and a column for each forecast.

        They are means over all targets, in their units.
        """
        return self._errors((1, 2, 3), self.origins)

    def by_step(self) -> pd.DataFrame:
        """Returns the mean absolute errors, a row for each step ahead."""
        import pandas as pd

        return self._errors((0, 2, 3), pd.RangeIndex(1, self.truth.shape[1] + 1, name="step"))

    def of_target(self, number: int) -> Backtest:
        """Returns the backtest of one target, which has units of its own.

        Args:
            number: int. Index of the target, from 0.
        """
        targets = self.truth.shape[-1]
        arguments.indices("number", [number], targets, "targets")
        part = slice(number, number + 1)
        return replace(
            self,
            truth=self.truth[..., part],
            forecasts={name: one[..., part] for name, one in self.forecasts.items()},
            quantiles=None if self.quantiles is None else self.quantiles[..., part, :],
        )

    def _errors(self, axes, rows):
        import pandas as pd

        errors = {
            name: np.ma.masked_invalid(np.abs(one - self.truth)).mean(axes).filled(np.nan)
            for name, one in self.forecasts.items()
        }
        return pd.DataFrame(errors, rows)


def backtest(
    self: Any,
    series: Series,
    *,
    covariates: Any = None,
    start: float | int = 0.5,
    stride: int | None = None,
    refit: str | int = "never",
    window: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    verbose: bool = True,
    **fit: Any,
) -> Backtest:
    """Forecasts a series from many origins, each time knowing only the readings before.

    The forecaster itself is not changed: new ones with its arguments are trained. If the forecaster
    is trained and the series has no graph, they have the sensors and the graph of the forecaster.

    Args:
        series: `Series` with steps of equal length.
        covariates: as in `fit`. Those that are known ahead are used as they are given.
        start: the first origin: float, a share of the steps, or int, a number of steps. The first
            forecaster is trained on the steps before. Default 0.5.
        stride: int. Number of steps from one origin to the next. Default: the horizon.
        refit: "never"; "every N days"; or int, the number of steps after which the next origin
            trains a new forecaster. Default "never": one training.
        window: None or int. Number of steps before the origin that a training uses (sliding
            window). Default None: all of them (expanding window).
        folder: None, or path of a folder for the forecasts of each training. A backtest that was
            interrupted continues there; other settings or data have other files.
        verbose: bool. Whether to show a progress bar of the trainings.
        **fit: further arguments of `fit`, such as `epochs`, but not `checkpoint`. `test` is one
            window by default, because a backtest needs no test part. `initial` must not have been
            trained on readings from the first origin on.

    Returns:
        `Backtest`, with `by_origin()` and `by_step()`; `forecasting.compare` tests differences.

    Raises:
        ValueError: if an argument is invalid, or the first part is too short for `fit`.
    """
    arguments.instance("series", series, Series, "Pass the result of `datasets.load_series`.")
    new = copy.copy(self)
    series = with_covariates(series, covariates)
    series, new.model_arguments = with_graph_of(self, series)
    new._fitted = new._data = None
    length, horizon, total = self.input_length, self.horizon, len(series.values)
    described = {} if self._fitted is None else fit_options(self.form)
    fit = {"test": length + horizon, **described, **fit}
    if isinstance(start, float):
        first = int(arguments.fraction("start", start) * total)
    else:
        first = arguments.integer("start", start, length)
    stride = arguments.integer("stride", horizon if stride is None else stride)
    every = steps_of(refit, series) or total
    check_fit(self, series, first, fit)
    origins = np.arange(first, total - horizon + 1, stride)
    if not len(origins):
        raise ValueError(
            f"`start` must leave at least {horizon} steps. Received: start={start} of {total} "
            "steps. Pass a smaller `start`, or more readings."
        )
    if window is not None:
        arguments.integer("window", window, length + horizon)
    check_length(first if window is None else min(first, window), self, fit)
    folder = None if folder is None else new_folder(folder)
    groups = [origins[(origins - first) // every == k] for k in range((total - first) // every + 1)]
    groups = [group for group in groups if len(group)]
    bar = keras.utils.Progbar(len(groups), unit_name="training", verbose=int(verbose))
    found = []
    for number, group in enumerate(groups):
        end = int(group[0])
        known = part_of(series, 0 if window is None else max(0, end - window), end)
        path = None if folder is None else folder / file_name(known, group, new, fit)
        if path is not None and path.exists():
            found.append(read_npz(path))
        else:
            forecaster = copy.copy(new)
            forecaster.fit(known, verbose=0, **with_new_optimizer(fit))
            found.append(forecasts_from(forecaster._ready(), series, group))
            if path is not None:
                write_npz(path, found[-1])
        bar.update(number + 1)
    fitted = np.concatenate([np.full(len(group), group[0]) for group in groups])
    return joined(series, found, fitted, stride)


def steps_of(refit: str | int, series: Series) -> int | None:
    """Returns the number of steps after which a forecaster is trained again; None for never."""
    if refit == "never":
        return None
    words = refit.split() if isinstance(refit, str) else []
    if words[:1] == ["every"] and words[2:] in (["days"], ["day"]) and words[1].isdecimal():
        steps = int(words[1]) * 24 * 60 / (series.interval or np.nan)
        if steps >= 1:
            return round(steps)
    if isinstance(refit, str):
        raise ValueError(
            f'`refit` must be "never", "every N days" or a number of steps. Received: refit='
            f'{refit!r}, steps of {series.interval} minutes. Pass, for example, "every 7 days".'
        )
    return arguments.integer("refit", refit)


def part_of(series: Series, first: int, end: int) -> Series:
    """Returns the steps `first` to `end` - 1 of a series."""
    times, covariates = series.timestamps, series.covariates
    if times is None and covariates is not None:  # matched by their rows, not by times
        covariates = replace(covariates, values=covariates.values[first:])
    times = times if times is None else times[first:end]
    values = series.values[first:end]
    return replace(series, values=values, timestamps=times, covariates=covariates)


def forecasts_from(fitted: Fitted, series: Series, origins: np.ndarray) -> dict[str, np.ndarray]:
    """Returns forecasts, quantiles and readings of the steps from each origin on, by name."""
    form = fitted.form
    series = ordered(form, series)
    starts = origins - form.input_length
    forecasts, quantiles = fitted.with_quantiles(series, starts)
    _, truth, _ = training.past_and_truth(form, series, starts)
    found = {f"forecast {name}": one for name, one in forecasts.items()}
    found |= {"truth": truth, "origins": origins}
    return found if quantiles is None else {**found, "quantiles": quantiles}


def new_folder(folder: str | os.PathLike[str]) -> pathlib.Path:
    """Creates a folder, unless it exists. Raises ValueError if that is not possible."""
    path = arguments.path("folder", folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"`folder` must be a folder or a new path. Received: folder={str(path)!r}, with "
            f"{type(error).__name__}. Pass another path."
        ) from error
    return path


def with_new_optimizer(fit: dict[str, Any]) -> dict[str, Any]:
    """Returns arguments of `fit` with a copy of their optimizer, which can train one model only."""
    given = fit.get("optimizer")
    if not isinstance(given, keras.optimizers.Optimizer):
        return fit
    return {**fit, "optimizer": type(given).from_config(given.get_config())}


def settings_of(value: Any) -> Any:
    """Returns the class and the config of an optimizer or loss, without its name; others as is."""
    if not hasattr(value, "get_config"):
        return value
    return type(value), {k: v for k, v in value.get_config().items() if k != "name"}


def file_name(known: Series, origins: np.ndarray, forecaster: Any, fit: dict[str, Any]) -> str:
    """Returns the file name of the forecasts of one training, from all that they depend on."""
    own = {k: v for k, v in vars(forecaster).items() if not k.startswith("_") and k != "graph"}
    options = {k: settings_of(v) for k, v in fit.items() if k != "attributes"}
    parts = own, options, forecaster._build, origins.tolist()
    digest = hashlib.sha256(re.sub(" at 0x[0-9a-f]+", "", repr(parts)).encode())
    digest.update(repr(attributes_of(fit.get("attributes"), known.names)).encode())
    arrays = [known.values, known.timestamps, known.adjacency, forecaster.graph]
    arrays.append(forecaster.model_arguments.get("places"))
    if known.covariates is not None:
        arrays += [known.covariates.values, known.covariates.timestamps]
    for array in arrays:
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return f"{int(origins[0])}-{digest.hexdigest()[:16]}.npz"


def joined(
    series: Series, found: list[dict[str, np.ndarray]], fitted: np.ndarray, stride: int
) -> Backtest:
    """Joins the forecasts of all trainings. A forecast that some of them lack is left out."""
    import pandas as pd

    names = [name for name in found[0] if all(name in one for one in found)]
    whole = {name: np.concatenate([one[name] for one in found]) for name in names}
    origins, truth = whole.pop("origins"), whole.pop("truth")
    quantiles = whole.pop("quantiles", None)
    index: Any = pd.Index(origins, name="origin")
    if series.timestamps is not None:
        index = in_zone(series.timestamps[origins], series.timezone).rename("origin")
    forecasts = {name.removeprefix("forecast "): one for name, one in whole.items()}
    return Backtest(index, truth, forecasts, fitted, stride, quantiles)
