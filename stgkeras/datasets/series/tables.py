"""Reads tables from csv, Parquet and HDF5 files, and finds the columns of times and of sensors."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stgkeras.arguments import boolean
from stgkeras.datasets.series.columns import (
    DATE,
    as_number,
    is_sensor_name,
    kind_of,
    number_times,
)
from stgkeras.datasets.series.csv_text import csv_text, read_csv
from stgkeras.datasets.series.files import file_type
from stgkeras.datasets.series.hdf5 import frame_from_hdf5

if TYPE_CHECKING:
    import pandas as pd

CSV = (".csv", ".tsv")
TABLES = (*CSV, ".parquet", ".h5", ".hdf5")
SAMPLE = 100  # number of rows from which the meaning of a column is recognised
SHOWN = 10  # number of cells that are kept for error messages


@dataclass(frozen=True)
class Table:
    """A table of numbers and text.

    Args:
        where: str. The path, for error messages.
        frame: `pandas.DataFrame` with columns 0 to C - 1.
        names: list of C str, the names of the columns; of the first level, if there are two.
        second: list of C str, the names of the second level, or None.
        levels: pair of str, the names of the two levels.
        kinds: list of C str, see `kind_of`.
        sample: list of C lists, the first few cells of each column.
        decimal: str. The decimal sign of numbers in text.
        separator: str. The sign between two cells of text.
        day_first: None or bool, whether the day comes before the month in dates.
    """

    where: str
    frame: pd.DataFrame
    names: list[str]
    second: list[str] | None
    levels: tuple[str, str]
    kinds: list[str]
    sample: list[list]
    decimal: str = "."
    separator: str = ","
    day_first: bool | None = None

    def seen(self, column):
        """Returns the name and the first values of a column, for error messages."""
        cells = ", ".join(str(cell) for cell in self.sample[column][:3])
        return f"column {self.names[column]!r} with {cells}, …"


def read_table(path, *, separator=None, decimal=None, day_first=None, as_text=()):
    """Reads a file as a `Table`.

    Args:
        path: path of a csv, Parquet or HDF5 file.
        separator, decimal, day_first: as in `from_csv`.
        as_text: names of columns that are read as text, such as the column of sensors.
    """
    if day_first is not None:
        day_first = boolean("day_first", day_first)
    kind = file_type(path, TABLES)
    if kind in CSV:
        return replace(_from_text(path, separator, decimal, as_text), day_first=day_first)
    if (separator, decimal) != (None, None):
        raise ValueError(
            f"`separator` and `decimal` must be None for a {kind} file. "
            f"Received: separator={separator!r}, decimal={decimal!r}. Omit them."
        )
    frame = _from_parquet(path) if kind == ".parquet" else frame_from_hdf5(path)
    if 0 in frame.shape:
        raise ValueError(
            f"{path} must have at least one row and one column. "
            f"Received: a frame of shape {frame.shape}. Pass a file with data."
        )
    return replace(table_of_frame(frame, str(path)), day_first=day_first)


def table_of_frame(frame, where):
    """Returns a frame as a `Table`. An index becomes a column, unless it only numbers the rows."""
    import pandas as pd

    index = frame.index
    levels, second = ("", ""), None
    names = list(frame.columns)
    if isinstance(frame.columns, pd.MultiIndex):
        if frame.columns.nlevels != 2:
            raise ValueError(
                f"{where} must have one or two levels of columns, for sensors and features. "
                f"Received: {frame.columns.nlevels} levels. Drop the others with "
                "`frame.droplevel(..., axis=1)`."
            )
        levels = tuple("" if name is None else str(name) for name in frame.columns.names)
        names, second = ([str(pair[i]) for pair in names] for i in range(2))
    numbers_rows = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    own = [] if numbers_rows else ["time" if name is None else name for name in index.names]
    frame = frame.reset_index(drop=True).set_axis(range(len(own), len(own) + len(names)), axis=1)
    for i in range(len(own)):
        frame.insert(i, i, index.get_level_values(i))
    names, second = [*own, *names], None if second is None else [*([""] * len(own)), *second]
    names = [str(name).strip() for name in names]
    head = frame.head(SAMPLE)
    sample = [head.iloc[:, i].tolist() for i in range(len(names))]
    kinds = [kind_of(cells) for cells in sample]
    return Table(where, frame, names, second, levels, kinds, [cells[:SHOWN] for cells in sample])


def _from_text(path, separator, decimal, as_text):
    text = csv_text(path, separator, decimal)
    names = text.header[0]
    second = text.header[1] if len(text.header) > 1 else None
    sample = [[row[i] for row in text.rows if i < len(row)] for i in range(len(names))]
    if text.decimal == ",":
        plain = [[cell.replace(",", ".") for cell in cells] for cells in sample]
    else:
        plain = sample
    kinds = [kind_of(cells) for cells in plain]
    keep = [
        i
        for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
        if kind in ("date", "clock", "text") or name in as_text or is_sensor_name(name)
    ]
    _refuse_data_as_names(path, names, kinds, plain)
    text, sample = replace(text, rows=[]), [cells[:SHOWN] for cells in sample]
    del plain  # the text of the first rows, which would take memory while the file is read
    frame = read_csv(text, keep)
    if frame.shape[1] != len(names):
        hint = ""
        if text.separator == "," and frame.shape[1] > len(names):
            hint = (
                '. If the comma is the decimal sign, put each number in quotes, or use ";" between '
                'the columns and pass `separator=";"` and `decimal=","`'
            )
        raise ValueError(
            f"{path} must have a name for each column. Received: {len(names)} names, "
            f"{frame.shape[1]} columns{hint}"
        )
    levels = ("", "") if second is None else (names[0], second[0])
    form = text.decimal, text.separator
    return Table(str(path), frame, names, second, levels, kinds, sample, *form)


def _refuse_data_as_names(path, names, kinds, sample):
    """Raises ValueError if the first row of a csv file holds data instead of names."""
    first = as_number(names[0])
    dated = DATE.match(names[0]) or (first is not None and number_times([first]) is not None)
    wrong = [name for name in names if as_number(name) is not None and not name.isdigit()]
    if dated and kinds[0] in ("date", "unix", "compact"):
        wrong = names
    elif all(name.isdigit() for name in names):
        numbers = [int(name) for name in names]
        counts = list(range(len(names)))
        readings = [n for n in map(as_number, itertools.chain(*sample)) if n is not None]
        if readings and numbers not in (counts, [i + 1 for i in counts]):
            low, high = min(readings), max(readings)
            near = min(numbers) >= 2 * low - high and max(numbers) <= 2 * high - low
            wrong = names if near else wrong
    if wrong:
        raise ValueError(
            f"{path} must have names in its first row. Received: {wrong[0]!r}, which looks like "
            "data, and a first row of data would be lost. Add a row of names, such as "
            "time,A,B. If the row does contain the names, read the file with `pandas.read_csv` and "
            "pass the frame to `from_pandas`."
        )


def _from_parquet(path):
    import pandas as pd

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except ImportError as error:
        raise ImportError(
            "Parquet files need the package pyarrow. Install it with `pip install "
            '"stgkeras[table]"`.'
        ) from error
    except Exception as error:  # pyarrow raises many types of exceptions on a damaged file
        raise ValueError(
            f"{path} must be a Parquet file of a table. Received: a damaged or other file ({error})"
            ". Use an undamaged copy."
        ) from error


def paths_of_features(path):
    """Returns {feature: path} if `path` is a dict of files, after checks."""
    wrong = [name for name, file in path.items() if not isinstance(file, (str, os.PathLike))]
    if not path or wrong:
        raise ValueError(
            "`path` must be a path, or a dict of feature name → path. "
            f"Received: path={dict(path)!r}"
        )
    return {str(name): Path(file) for name, file in path.items()}
