"""Names of sensors: how they differ from the names in a graph, and what the user can do."""

from __future__ import annotations

MOST_SHOWN = 6  # names in an error message


def check_names(given, names, what):
    """Raises ValueError if one of the `given` names is not in `names`."""
    _, others = differences(names, given)
    if others:
        fix = renamed(others, names) or "Use names of sensors."
        raise ValueError(
            f"{what} must be names of sensors. Received: {shown(others)}; the sensors are "
            f"{shown(names)}. {fix}"
        )


def shown(names):
    """Returns the first few names as text."""
    names = list(names)
    text = ", ".join(repr(name) for name in names[:MOST_SHOWN])
    return f"{text}, … ({len(names)} in all)" if len(names) > MOST_SHOWN else text or "none"


def differences(names, others):
    """Returns the names that are not in `others`, and the others that are not in `names`."""
    known, there = set(names), set(others)
    return [n for n in names if n not in there], [n for n in others if n not in known]


def repeated(names):
    """Returns the names that occur more than once."""
    return sorted({name for name in names if names.count(name) > 1})


def renamed(others, names):
    """Returns advice if an id is the name of a sensor in another notation, else None.

    Spreadsheets and pandas change ids: they remove leading zeros, or add ".0".

    Args:
        others: list of str, ids that are no names of sensors.
        names: list of str, the names of the sensors.
    """
    plain = {name.lstrip("0") or "0": name for name in names}
    whole = {name.removesuffix(".0"): name for name in names}
    for other in others:
        name = whole.get(other.removesuffix(".0"))
        if name is not None:
            wrong, where = other, "ids"
            if name.endswith(".0"):
                wrong, where = name, "names of the sensors"
            return (
                f"The id {other!r} seems to be the sensor {name!r}. Spreadsheets and pandas add .0 "
                f"to whole numbers in a column with empty cells. Write the {where} without it, "
                f"such as {wrong.removesuffix('.0')!r}, for example with "
                '`pandas.to_numeric(frame[column]).astype("int64")`.'
            )
        name = plain.get(other.lstrip("0") or "0")
        if name is not None:
            return (
                f"The id {other!r} seems to be the sensor {name!r}. Spreadsheets remove leading "
                "zeros. Write the ids as the names of the sensors, for example with "
                f"`str.zfill({len(name)})`."
            )
    return None


def texts(argument, names, where="The series"):
    """Returns names as a tuple of str. Raises an error for empty names, and for lists as names."""
    try:
        names = tuple(names)
    except TypeError as error:
        raise TypeError(
            f"{where} must have a sequence of `{argument}`. Received: {argument}={names!r}. Pass a "
            "list of str."
        ) from error
    odd = [n for n in names if isinstance(n, (list, dict, set)) or getattr(n, "ndim", 0)]
    if odd:
        raise TypeError(
            f"{where} must have a str or a number for each of `{argument}`. Received: "
            f"{odd[0]!r}. Pass one name for each."
        )
    found = tuple(map(str, names))
    empty = [i for i, name in enumerate(found) if name in ("", "None", "nan", "NaT", "<NA>")]
    if empty:
        raise ValueError(
            f"{where} must have no empty name in `{argument}`. Received: {found[empty[0]]!r} at "
            f"position {empty[0]} of {shown(found)}. Give it a name, or remove it."
        )
    return found
