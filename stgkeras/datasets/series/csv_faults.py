"""Faults of csv files: the messages that name the line, and lines and rows that pandas accepts."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections import Counter

from stgkeras.datasets.series.columns import as_number, is_sensor_name, is_time_name

SHOWN = 60  # characters of a line in an error message


def refuse_lines_above(path, lines, separators):
    """Raises ValueError if a title, a comment or "sep=;" stands above the names of the columns.

    Such a line has fewer cells than the others, or only its first cell is filled, and a line of
    names follows.

    Args:
        path: str. The file.
        lines: list of str, the first lines of the file.
        separators: list of str, the signs that may stand between two cells.
    """
    for separator in separators:
        rows = [row for row in csv.reader(lines, delimiter=separator) if any(map(str.strip, row))]
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
        if width < 2 or 2 * count < len(rows):
            continue
        tables = [len(row) == width and any(cell.strip() for cell in row[1:]) for row in rows]
        above = tables.index(True) if any(tables) else 0
        others = [sign for sign in separators if sign != separator]
        if above and not _are_roles(rows[0]) and _are_names(rows[above], others):
            names = [cell.strip() for cell in rows[above][:2]]
            raise ValueError(
                f"{path} must have the names of the columns in its first line. Received: "
                f"{lines[0].strip()[:SHOWN]!r} in the first line, and names such as {names[0]!r} "
                f"and {names[1]!r} below. Remove the lines above the names, {above} in this file: "
                'titles, comments and "sep=" are no names.'
            )


def _are_roles(row):
    """Whether all cells of a row are known names, as in a header without the last columns."""
    cells = [cell.strip().lower() for cell in row]
    known = [is_time_name(c) or is_sensor_name(c) or c in ("from", "to") for c in cells]
    return len(row) > 1 and all(known)


def _are_names(row, others):
    """Whether a row contains names of columns. `others` are separators that it must not contain."""
    if any(sign in cell for cell in row for sign in others):
        return False
    if is_time_name(row[0]) or is_sensor_name(row[0]):
        return True
    return all(as_number(cell) is None for cell in row)


def refuse_short_rows(path, separator, skip):
    """Raises ValueError if a row has fewer cells than there are names, which pandas fills with NaN.

    Args:
        path: str. The file.
        separator: str. The sign between two cells.
        skip: int. Number of lines above the first row of data.
    """
    short, line = [], 0
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(itertools.islice(file, skip - 1, None), delimiter=separator)
        try:
            width = len(next(reader))  # the names
            for row in reader:
                line = reader.line_num + skip - 1
                if len(row) < width and any(cell.strip() for cell in row):
                    short.append((line, row))
        except (csv.Error, UnicodeDecodeError):
            return  # a fault that pandas reports, or accepts
    if short:
        first, row = short[0]
        cut = ", the last, as of a file that was cut short" if first == line else ""
        raise ValueError(
            f"{path} must have {width} cells in each row. Received: {len(row)} cells in line "
            f"{first}{cut}: {separator.join(row)[:SHOWN]!r}, the first of {len(short)} such rows. "
            f"Complete or remove these rows. Write a {separator!r} for each empty cell."
        )


def fault(
    path: str | os.PathLike[str], error: Exception | None, separator: str = ",", text: str = ""
) -> str:
    """Returns the message for a csv file that cannot be read.

    Args:
        path: path of the file.
        error: the error of pandas or of the module csv, or None.
        separator: str. The sign between two cells.
        text: str. The content of the file, if it is a member of an archive.
    """
    must = f"{os.fspath(path)} must be a csv table with data"
    if isinstance(error, UnicodeDecodeError):
        return (
            f"{must}, in the encoding UTF-8. Received: the byte {error.object[error.start]:#x}, "
            "which is no UTF-8. Save the file in UTF-8."
        )
    file = io.StringIO(text) if text else open(path, newline="", encoding="utf-8-sig")
    width = 0
    with file:
        reader = csv.reader(file, delimiter=separator)
        try:
            for row in reader:
                if width and len(row) > width:
                    return (
                        f"{must}, with the same number of cells in each line. Received: {len(row)} "
                        f"cells in line {reader.line_num}, {width} in the first line. Correct the "
                        "line, or name all columns."
                    )
                width = width or len(row)
        except (csv.Error, UnicodeDecodeError) as found:
            return f"{must}. Received: {found}, after line {reader.line_num}. Correct the file."
    what = "an empty file" if not width else "no rows below the names"
    if width and error is not None and "EmptyData" not in type(error).__name__:
        what = "a quote that is not closed, or other cells that cannot be read"
    return f"{must}. Received: {what}. Correct the file."
