"""Long tables with several rows for a time and sensor, such as a row for each lane or quantity."""

from __future__ import annotations

import warnings


def parts_column(table, roles):
    """Returns the column that distinguishes rows of the same time and sensor, or None.

    An example is the number of the lane. Such a column has about as many different values as there
    are rows for a time and a sensor. It is also found if `ignore` names it.

    Args:
        table: `Table`, a long one.
        roles: `Roles`.
    """
    frame, keys = table.frame, [roles.time, roles.sensor]
    if not frame.duplicated(keys).any():
        return None
    sizes = frame.groupby(keys, sort=False).size()
    if sizes.mean() < 1.5:
        return None
    readings = [i for i in roles.readings if frame[i].dtype.kind in "biuf"]
    most = min(2 * sizes.max(), len(frame) // 3)  # of the values of the column
    for i in range(len(table.names)):
        if i in (*keys, roles.quality) or readings in ([], [i]) or frame[i].nunique() > most:
            continue
        if not frame.duplicated([*keys, i]).any():
            return i
    return None


def parts_fix(table, roles, column):
    """Returns the fix for a long table with a row for each time, sensor and value of `column`."""
    time, sensor, part = (table.names[i] for i in (roles.time, roles.sensor, column))
    numbers = [i for i in roles.readings if table.frame[i].dtype.kind in "biuf"]
    values = [table.names[i] for i in numbers if i != column]
    form = "" if table.separator == "," else f", sep={table.separator!r}"
    form += "" if table.decimal == "." else f", decimal={table.decimal!r}"
    keys = [time, sensor]
    text = (
        f"Each time and sensor has several rows, which differ in column {part!r}. Combine them: "
        f"`frame = pandas.read_csv({table.where!r}, dtype={{{sensor!r}: str}}{form})`. "
    )
    if table.kinds[column] == "text" and len(values) == 1:
        text += (
            f"If {part!r} names the features: `frame = frame.pivot_table(index={keys}, "
            f"columns={part!r}, values={values[0]!r}, sort=False).reset_index()`. "
        )
    return (
        f"{text}If the rows are parts, such as lanes: `frame = frame.groupby({keys}, sort=False)"
        f"[{values}].sum(min_count=1).reset_index()` for counts, with `.mean()` for speeds. Then "
        '`frame.to_csv("combined.csv", index=False)`, and read this file.'
    )


def warn_of_parts(table, roles, duplicates):
    """Warns if `duplicates` would join rows of different lanes or quantities."""
    column = parts_column(table, roles)
    if column is not None:
        what = "the mean" if duplicates == "mean" else "the first"
        warnings.warn(
            f"{table.where} becomes a series with {what} of the rows of each time and sensor, "
            f'because of `duplicates="{duplicates}"`. '
            f"{parts_fix(table, roles, column)}",
            stacklevel=6,
        )
