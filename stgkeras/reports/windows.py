"""The windows that a model needs: its input lengths, components, season and local times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets import Series, Windows
from stgkeras.datasets.series.calendar import whole_steps_per_day
from stgkeras.models.forecaster import Forecaster


def model_windows(
    model: Any, series: Series, starts: np.ndarray, *, targets: Sequence[int] = (0,), **options: Any
) -> Windows:
    """Returns windows of a series with the inputs of a forecaster model, to train or predict.

    The attributes of the model determine the inputs: the number of steps or the components (recent,
    daily, weekly), and the calendar for a `season` or a model that reads the clock. Steps before
    the start of the series count as missing readings.

    Args:
        model: model such as `models.STGCN`, with a fixed graph.
        series: `datasets.Series`.
        starts: (W,) ints. First steps of the windows, such as `split.train`.
        targets: sequence of ints. Indices of the features to forecast. Default: the first.
        **options: other arguments of `datasets.Windows`, such as `batch_size` and `shuffle`.

    Returns:
        `datasets.Windows`. Missing readings are NaN.

    Raises:
        TypeError: if `model` is no forecaster model, or `series` no `Series`.
        ValueError: if `targets` are out of range; if the model has a season or daily components,
            and the series has no timestamps or another number of steps per day.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = stgkeras.datasets.from_arrays(np.arange(80.0).reshape(40, 2), interval=60)
        >>> model = stgkeras.models.GraphSTID(2, graph=np.eye(2), horizon=3)
        >>> x, y = stgkeras.reports.model_windows(model, series, np.arange(20))[0]
        >>> x.shape, y.shape
        ((20, 12, 2, 1), (20, 3, 2, 1))
    """
    arguments.instance("model", model, Forecaster, "Pass a model such as `models.STGCN(...)`.")
    arguments.instance("series", series, Series, "Pass the result of `datasets.load_series`.")
    targets = arguments.indices("targets", targets, len(series.features), "features")
    parts = model.input_length if isinstance(model.input_length, dict) else None
    day = whole_steps_per_day(series.interval)
    if model.season is not None or parts or model.past_calendar:
        own = getattr(model, "steps_per_day", day)  # of a model that reads the clock
        wanted = own if model.season is None else model.season
        if series.timestamps is None or day is None or day != wanted:
            found = f"interval={series.interval}"
            if series.timestamps is None:
                found = "no timestamps"
            raise ValueError(
                f"`series` must have timestamps with {wanted or 'a whole number of'} steps per "
                f"day, as the model needs. Received: {found}. Pass readings with these times."
            )
    arrays: dict[str, Any] = {"inputs": series.values, "targets": series.values[..., list(targets)]}
    arrays |= {name: options.pop(name) for name in ("shift",) if options.get(name) is not None}
    if model.season is not None:
        arrays["calendar"] = series.calendar
    if model.past_calendar:
        arrays["past_calendar"] = series.calendar
    elif parts and model.season is None:
        arrays["clock"] = series.calendar  # components follow the local clock
    options = {"input_length": model.input_length, "horizon": model.horizon, **options}
    if parts and day is not None:  # add a week of missing readings before the series
        pad = 7 * day
        arrays = {
            name: np.concatenate([np.full_like(array[:1], np.nan).repeat(pad, 0), array])
            for name, array in arrays.items()
        }
        starts, options["steps_per_day"] = starts + pad, day
    return Windows(starts=starts, missing=True, **arrays, **options)
