"""Csv files as text: separator, decimal sign and header, before pandas reads the numbers."""

from __future__ import annotations

import csv
import itertools
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stgkeras.datasets.series.columns import DATE, as_number, is_feature_name, is_sensor_name
from stgkeras.datasets.series.csv_faults import (
    fault,
    refuse_lines_above,
    refuse_short_rows,
)

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
LINES = 100  # number of lines from which the separator and the decimal sign are detected
# Texts that mean an empty cell, in columns of numbers only: "NA" may be the name of a sensor.
EMPTY = ("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "#N/A", "#NA")
SIGN = re.compile(r"[^\w\"'\r\n.+-]")
COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
DOT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")  # 1,234 or 1.234


@dataclass(frozen=True)
class CsvText:
    """The form of a csv file, and its first rows as text.

    Args:
        path: str. The file.
        separator: str. The sign between two cells.
        decimal: "." or ",". The sign before the decimals of a number.
        header: list of header rows, which are lists of str: one row, or two rows for columns with
            two levels.
        skip: int. Number of lines before the first row of data.
        rows: list of the first rows of data, as lists of str.
    """

    path: str
    separator: str
    decimal: str
    header: list[list[str]]
    skip: int
    rows: list[list[str]]


def csv_text(
    path: str | os.PathLike[str],
    separator: str | None = None,
    decimal: str | None = None,
    fix: str = "",
) -> CsvText:
    """Detects the form of a csv file from its first lines, unless arguments state the form.

    If the form is not clear, the error ends with `fix`; without it, with the arguments to pass.
    """
    if separator is not None and not (isinstance(separator, str) and SIGN.fullmatch(separator)):
        raise ValueError(
            "`separator` must be None or one character that is no letter, digit or quote. "
            f"Received: separator={separator!r}"
        )
    if decimal not in (None, ".", ","):
        raise ValueError(f'`decimal` must be None, "." or ",". Received: decimal={decimal!r}')
    path = os.fspath(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = list(itertools.islice(file, LINES))
        refuse_lines_above(path, lines, [separator] if separator else list(SEPARATORS))
        separator = separator or _separator(path, lines, fix)
        found = list(csv.reader(lines, delimiter=separator))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(fault(path, error)) from error
    skip = next((i for i, row in enumerate(found) if row), len(found))  # blank lines
    rows = [[cell.strip() for cell in row] for row in found[skip:] if row]
    if not rows:
        raise ValueError(
            f"{path} must be a csv table with data. Received: an empty file. Pass another file."
        )
    third = rows[2] if len(rows) > 2 else []
    levels = 2 if len(rows) > 1 and _is_header(rows[0], rows[1], third) else 1
    header, rows = rows[:levels], rows[levels:]
    if levels == 2 and rows and not any(rows[0][1:]) and as_number(rows[0][0]) is None:
        if not DATE.match(rows[0][0]):
            rows, skip = rows[1:], skip + 1  # pandas writes the name of the index in a third row
    decimal = decimal or _decimal(path, [cell for row in rows for cell in row], separator, fix)
    return CsvText(path, separator, decimal, header, skip + levels, rows)


def read_csv(text: CsvText, as_text: list[int]) -> pd.DataFrame:
    """Reads the rows of data of a csv file. The columns are numbered.

    Args:
        text: `CsvText`.
        as_text: indices of the columns that remain text, such as names with leading zeros. Another
            column becomes numbers if each of its cells is a number or empty.
    """
    import pandas as pd

    empty: Any = {i: list(EMPTY) for i in range(len(text.header[0])) if i not in as_text}
    try:
        frame = pd.read_csv(
            text.path,
            sep=text.separator,
            decimal=text.decimal,
            header=None,
            skiprows=text.skip,
            dtype=dict.fromkeys(as_text, str),
            keep_default_na=False,
            na_values=empty,
            skipinitialspace=True,
            encoding="utf-8-sig",
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        refuse_short_rows(text.path, text.separator, text.skip)
        raise ValueError(fault(text.path, error, text.separator)) from error
    last = frame.iloc[:, -1]
    if frame.shape[1] == len(text.header[0]) and (last.isna() | (last == "")).any():
        refuse_short_rows(text.path, text.separator, text.skip)  # pandas fills them with NaN
    return frame


def all_cells(path: str | os.PathLike[str], fix: str) -> tuple[list[list[str]], str]:
    """Reads a small csv file as text: rows of equal lengths, and the decimal sign.

    Cells that are left out at the end of a row are "". `fix` is as in `csv_text`.
    """
    text = csv_text(path, fix=fix)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            found = [row for row in csv.reader(file, delimiter=text.separator) if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(fault(path, error)) from error
    width = len(found[0])
    if any(len(row) > width for row in found):
        raise ValueError(fault(path, None, text.separator))
    rows = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in found]
    return rows, text.decimal


def with_points(cells: pd.Series, decimal: str) -> pd.Series:
    """Returns numbers in text with a decimal point; a sign of thousands becomes "?"."""
    if decimal == ".":
        return cells
    return cells.map(lambda cell: str(cell).replace(".", "?").replace(",", "."), na_action="ignore")


def _separator(path, lines, fix):
    widths = {}
    for separator in SEPARATORS:
        rows = csv.reader(lines, delimiter=separator)
        widths[separator] = [len(row) for row in rows if row]
    split = [separator for separator, found in widths.items() if found and found[0] > 1]
    even = [separator for separator in split if len(set(widths[separator])) == 1]
    found = even if len(even) == 1 else split
    if len(found) > 1:  # "0,5;1,0" has two numbers, not three
        found = [separator for separator in found if _only_numbers(lines, separator)] or found
    if len(found) > 1:
        signs = " and at ".join(SEPARATORS[separator] for separator in found)
        if fix:
            raise ValueError(
                f"{path} must have one sign between its cells. Received: lines that can be split "
                f"at {signs}, the first {lines[0].strip()!r}. {fix}"
            )
        raise ValueError(
            f"`separator` must be given for {path}, because its lines can be split at {signs}. "
            f"Received: separator=None, first line {lines[0].strip()!r}. Pass "
            f"`separator={found[-1]!r}` or `separator={found[0]!r}`."
        )
    return found[0] if found else ","


def _only_numbers(lines, separator):
    cells = [cell.strip() for row in csv.reader(lines, delimiter=separator) for cell in row]
    return bool(cells) and all(
        COMMA.fullmatch(cell) or as_number(cell) is not None for cell in cells if cell not in EMPTY
    )


def _decimal(path, cells, separator, fix):
    """Returns the decimal sign of numbers among the cells."""
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    dots = [cell for cell in cells if DOT.fullmatch(cell)]
    if commas and dots:
        seen = f"{commas[0]!r} and {dots[0]!r}"
    elif commas and all(GROUPS.fullmatch(cell) for cell in commas):
        seen = f"{commas[0]!r}, which may have a thousands separator"
    elif dots and separator == ";" and all(GROUPS.fullmatch(cell) for cell in dots):
        seen = f"{dots[0]!r}, which may have a thousands separator"
    else:
        return "," if commas else "."
    if fix:
        raise ValueError(
            f"{path} must have one decimal sign. Received: numbers such as {seen}. {fix}"
        )
    raise ValueError(
        f"`decimal` must be given for {path}, because its decimal sign is not clear. Received: "
        f'decimal=None, numbers such as {seen}. Pass `decimal="."` or `decimal=","`, and write '
        "numbers without thousands separators."
    )


def _is_header(first, second, third):
    """Whether the second row of a file is a second row of names, as pandas writes them."""
    if len(second) != len(first) or len(first) < 2 or DATE.match(second[0]):
        return False
    if all(is_sensor_name(name) or is_feature_name(name) for name in (first[0], second[0])):
        return True  # names of levels
    if first[0] == second[0] == "" and len(set(first)) < len(first) - 1:
        return True
    if third and third[0] and not any(third[1:]) and not DATE.match(third[0]):
        return as_number(third[0]) is None  # the name of the index
    return not any(
        cell in EMPTY or as_number(cell.replace(",", ".")) is not None for cell in second[1:]
    )
