"""Reads files and frames of readings in the form of the data of a forecaster."""

from __future__ import annotations

import os
import pathlib
import re
from typing import Any

import numpy as np

from stgkeras import datasets
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.form import Form

# Arguments of `load_series` and `from_pandas` that errors name. Methods of a forecaster do not
# have them.
READERS = "duplicates|regularize|quality|interval|layout|time|sensor|ignore|key"
READERS += "|separator|decimal|day_first"
NO_ZONE = (
    "The forecaster was trained on times without a time zone, and cannot convert others. Convert "
    "the newest times to the clock of the training readings and drop the offset, with the name of "
    'that time zone: `frame.index.tz_convert("Europe/Paris").tz_localize(None)`. Or fit the '
    "forecaster again with a time zone: `load_series(…, timezone=…)` or `stgkeras fit --timezone`."
)
ARGUMENT = re.compile(rf"`(({READERS})(?:=[^`]*)?)`")


def as_series(form: Form, newest: Any) -> Series:
    """Reads a frame or file in the form of the data, and returns a `Series` unchanged.

    If an error names an argument of `load_series` or `from_pandas`, the error also shows a call
    with this argument.
    """
    if isinstance(newest, Series):
        return _checked(form, newest)
    is_path = isinstance(newest, (str, os.PathLike))
    try:
        if is_path:
            return read_series(form, newest)
        if hasattr(newest, "columns") or isinstance(newest, dict):
            return _read(form, datasets.from_pandas, newest, _options(form))
    except (TypeError, ValueError, FileNotFoundError) as error:
        if is_path and str(error).startswith("`path`"):  # the argument of `load_series`
            raise type(error)(str(error).replace("`path`", "`newest`", 1)) from error
        named = ARGUMENT.findall(str(error))
        if not named or type(error) not in (TypeError, ValueError):
            raise
        _, name = named[0]
        codes = {code for code, other in named if other == name and "=" in code}
        code = codes.pop() if len(codes) == 1 else f"{name}=…"
        call = _call(form, newest if is_path else None, code, name)
        raise type(error)(f"{error} {call}") from error
    raise TypeError(
        "`newest` must be a `Series`, a pandas frame or the path of a csv file. "
        f"Received: {type(newest).__name__}. Create a `Series` from other data, for example with "
        "`datasets.from_arrays`."
    )


def read_series(form: Form, path: str | os.PathLike[str], **reading: Any) -> Series:
    """Reads a file in the form of the data.

    Args:
        form: `Form` of the data.
        path: path of the file.
        **reading: further arguments of `load_series`, such as `layout`.
    """
    options = _options(form)
    if form.day_first is not None and pathlib.Path(path).suffix.lower() != ".npz":
        options["day_first"] = form.day_first
    return _read(form, datasets.load_series, path, options | reading)


def _read(form, reader, source, options):
    try:
        return _checked(form, reader(source, **options))
    except ValueError as error:
        if form.timezone is None and type(error) is ValueError and "`timezone=" in str(error):
            raise ValueError(f"{error} {NO_ZONE}") from error
        raise


def _options(form):
    """Returns the arguments with which `load_series` or `from_pandas` reads this form."""
    marks = [np.nan if mark is None else mark for mark in form.null_value]
    options: dict[str, Any] = {
        # A dict would be refused if the table lacks one of the features.
        "null_value": marks[0]
        if len(set(map(str, marks))) == 1
        else dict(zip(form.features, marks, strict=True)),
        "regularize": form.dated,
        "timezone": form.timezone,
        "holidays": form.holidays,
    }
    if not form.dated:
        options["interval"] = form.interval
    return options


def _call(form, path, code, name):
    """Returns the advice to read a file or frame first, with the argument that an error names.

    Args:
        path: path of the file; None for a frame.
        code: str. The argument with a value, such as "time='Zeit'".
        name: str. Name of the argument.
    """
    options = _options(form)
    del options["holidays"]  # `form` has them
    options.pop(name, None)
    parts = [f"{name}={value!r}" for name, value in options.items() if value not in (None, False)]
    parts = [part.replace("nan", "float('nan')") for part in parts]
    source = f"load_series({os.fspath(path)!r}" if path is not None else "from_pandas(frame"
    return (
        f"`{name}` is an argument of the readers: pass `stgkeras.datasets.{source}, "
        f"{', '.join([*parts, code])})` in place of the {'path' if path else 'frame'}."
    )


def _checked(form, series):
    interval = form.interval if series.interval is None else series.interval
    if interval != form.interval and not np.isclose(interval, form.interval):
        raise ValueError(
            f"`newest` must have steps of {form.interval:g} minutes, as in training. Received: "
            f"steps of {interval:g} minutes. Resample the readings."
        )
    if form.dated and series.timestamps is None:
        raise ValueError(
            "`newest` must have timestamps, because the forecaster was trained with them. "
            "Received: timestamps=None. Pass readings with their times."
        )
    if form.dated and form.timezone is None and series.timezone is not None:
        raise ValueError(
            "`newest` must have times without a time zone or UTC offset, as in training. Received: "
            f"times in {series.timezone}. {NO_ZONE}"
        )
    if form.dated and (series.timezone is None) != (form.timezone is None):
        raise ValueError(
            f"`newest` must have the time zone of the training readings, {form.timezone!r}. "
            f"Received: timezone={series.timezone!r}. Pass `timezone` when you create the series."
        )
    units = dict(zip(form.features, form.units, strict=True))
    given = dict(zip(series.features, series.units, strict=True))
    other = [n for n in given if given[n] and units.get(n) and given[n] != units[n]]
    if other:
        raise ValueError(
            f"`newest` must have the units of the training readings, {units[other[0]]!r} for "
            f"{other[0]!r}. Received: {given[other[0]]!r}. Convert the readings."
        )
    return series
