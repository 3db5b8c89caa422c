"""Series from pandas frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.columns import (
    is_sensor_name,
    is_time_name,
    kind_of,
    number_times,
)
from stgkeras.datasets.series.layouts import two_levels
from stgkeras.datasets.series.own_data import series_of_values
from stgkeras.datasets.series.readings import InPieces
from stgkeras.datasets.series.roles import check_sensors
from stgkeras.datasets.series.series import Series

if TYPE_CHECKING:
    import pandas as pd

    from stgkeras.datasets.series.joined import GraphLike


def from_pandas(
    frames: pd.DataFrame | dict[str, pd.DataFrame],
    graph: GraphLike | None = None,
    **kwargs: Any,
) -> Series:
    """Creates a series from a pandas frame, or from one frame for each feature.

    Args:
        frames: `pandas.DataFrame` with times as index and sensors as columns, or with two levels
            of columns, named "sensor" and "feature"; or a dict of feature name → frame. All frames
            must have the same index and columns.
        graph: as in `from_arrays`.
        **kwargs: `units`, `symmetric`, `interval`, `null_value`, `regularize`, `duplicates`,
            `unknown`, `timezone` and `holidays`, as in `from_arrays`; and `quality`, an array as in
            `from_arrays`, or frames of bool with the index and the columns of `frames`.

    Returns:
        `Series`.

    Raises:
        FileNotFoundError, TypeError, ValueError: as in `from_arrays`.

    Example:
        >>> import pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=3, freq="15min", tz="Europe/Paris")
        >>> speeds = pd.DataFrame({"A": [60.0, 58.0, 61.0], "B": [50.0, 51.0, 49.0]}, times)
        >>> series = stgkeras.datasets.from_pandas({"speed": speeds}, units="km/h")
        >>> series.names, series.features, series.interval
        (('A', 'B'), ('speed',), 15.0)
        >>> series.timezone, str(series.timestamps[0])
        ('Europe/Paris', '2024-04-30T22:00:00')
    """
    given = {"names", "features", "timestamps"} & set(kwargs)
    if given:
        raise TypeError(
            f"`from_pandas` reads {sorted(given)} from the frames. Omit these arguments."
        )
    first, names, features, values = _parts(frames, "frames")
    _refuse_counts(first.index)
    quality = kwargs.pop("quality", None)
    if isinstance(quality, dict) or hasattr(quality, "columns"):
        mask, mask_names, mask_features, marks = _parts(quality, "quality")
        order = [list(names).index(name) for name in mask_names if name in names]
        if not mask.index.equals(first.index) or sorted(mask_names) != sorted(names):
            raise ValueError(
                "`quality` must have the index and the columns of `frames`. Received: a frame of "
                f"shape {mask.shape}, which differs. Call `quality.reindex_like(frame)`."
            )
        if len(mask_features) > 1 and mask_features != features:
            raise ValueError(
                f"`quality` must have the features {features}. Received: {mask_features}. Pass a "
                "frame for each of these features, in this order, or one frame for all."
            )
        places = np.argsort(order)
        quality = InPieces(marks.shape, lambda steps: marks[steps][:, places])
    return series_of_values(
        values,
        first.index,
        graph,
        names=names,
        features=features,
        quality=quality,
        where="`frames`",
        times="The index of `frames`",
        **kwargs,
    )


def _parts(frames, argument):
    """Returns the first frame, the names, the features and the values (T, N, F) of frames."""
    frames = frames if isinstance(frames, dict) else {"value": frames}
    if not frames:
        raise ValueError(
            f"`{argument}` must have at least one frame. Received: an empty dict. Pass a frame."
        )
    for name, frame in frames.items():
        if not hasattr(frame, "columns"):
            raise TypeError(
                f"`{argument}` must be a `pandas.DataFrame`, or a dict of feature name → frame. "
                f"Received: {type(frame).__name__} for {name!r}. A `pandas.Series` becomes a frame "
                "with `series.to_frame()`."
            )
    first = next(iter(frames.values()))
    for name, frame in frames.items():
        for axis in ("index", "columns"):
            if not getattr(frame, axis).equals(getattr(first, axis)):
                raise ValueError(
                    f"`{argument}` must have the same {axis}. Received: the {axis} of {name!r} "
                    f"differs from that of {next(iter(frames))!r}. Call `reindex` on one of the "
                    "frames."
                )
        wrong = [item for item in frame.dtypes.items() if item[1].kind not in "biuf"]
        if wrong:
            raise TypeError(
                f"`{argument}` must hold real numbers. Received: {name!r} with column "
                f"{wrong[0][0]!r} of dtype {wrong[0][1]}. {_form_fix(frame, wrong[0][0])}"
            )
    if 0 in first.shape:
        raise ValueError(
            f"`{argument}` must have at least one row and one column. "
            f"Received: a frame of shape {first.shape}. Pass a frame with data."
        )

    def read(steps):
        parts = [frame.iloc[steps] for frame in frames.values()]
        return np.stack([part.to_numpy(np.float64, na_value=np.nan) for part in parts], axis=-1)

    if first.columns.nlevels == 1:
        names = [str(name) for name in first.columns]
        _refuse_others(first, names, argument)
        return first, names, list(map(str, frames)), InPieces((*first.shape, len(frames)), read)
    if len(frames) > 1 or first.columns.nlevels != 2:
        raise ValueError(
            f"`{argument}` must be one frame with two levels of columns, or frames with one level. "
            f"Received: {len(frames)} frames with {first.columns.nlevels} levels. Drop levels "
            "with `frame.droplevel(..., axis=1)`."
        )
    levels = ["" if name is None else str(name) for name in first.columns.names]
    pairs = [(str(a), str(b)) for a, b in first.columns]
    names, features, places = two_levels(f"`{argument}`", pairs, levels)
    values = InPieces((len(first), *places.shape), lambda steps: read(steps)[:, places, 0])
    return first, names, features, values


def _refuse_counts(index):
    """Raises TypeError if an index counts from the start, as numbers or durations."""
    kind = index.dtype.kind
    if kind == "m" or (kind in "biuf" and number_times(index.to_numpy()) is None):
        cells = ", ".join(str(cell) for cell in index[:3])
        raise TypeError(
            f"`frames` must have times as index. Received: an index with {cells}, …. If the rows "
            "have no dates, pass `from_arrays(frame.to_numpy(), names=frame.columns, interval=…)`, "
            "with the minutes between two rows."
        )


def _form_fix(frame, column):
    """Returns the fix for a frame with a column of times or of names."""
    head = frame.head(100)
    kinds = {name: kind_of(head.iloc[:, i].tolist()) for i, name in enumerate(frame.columns)}
    times = [name for name, kind in kinds.items() if kind == "date" or is_time_name(name)]
    names = [
        name
        for name, kind in kinds.items()
        if name not in times and (kind == "text" or is_sensor_name(name))
    ]
    if names:
        index = f"index={times[0]!r}, " if times else ""
        rows = frame[[times[0], names[0]]] if times else frame[[names[0]]].reset_index()
        pivot, more = "pivot", ""
        if rows.duplicated().any():  # `pivot` would fail
            index = index or "index=frame.index, "
            pivot, more = "pivot_table", ', aggfunc="sum"'
        text = (
            "If each row is a reading of one sensor, give each sensor a column: "
            f"`frame.{pivot}({index}columns={names[0]!r}, values=…{more})`. "
        )
        if more:
            text += (
                "A time and sensor have several rows, such as lanes: this adds counts; for speeds, "
                'pass `aggfunc="mean"`. '
            )
        return f"{text}If the column is not needed, call `frame.drop(columns=[{names[0]!r}])`."
    return f"If this column contains the times, call `frame.set_index({column!r})`."


def _refuse_others(frame, names, argument):
    """Raises ValueError if the name of a column is not that of a sensor."""

    def seen(i):
        cells = ", ".join(str(cell) for cell in frame.iloc[:3, i])
        return f"column {names[i]!r} with {cells}, …"

    def fix(name, form):
        if form == "station":
            return (
                'If each column is a feature, pass `{name: frame[[name]].set_axis(["station"], '
                "axis=1) for name in frame}`. If each column is a sensor, rename the columns."
            )
        if form == "features":
            return (
                'Pass one frame for each feature, or two levels of columns named "sensor" and '
                '"feature". If each column is a sensor, rename the columns.'
            )
        column = frame.columns[names.index(name)]
        if is_time_name(name):
            return f"If it contains the times, call `frame.set_index({column!r})`."
        rename = f"If it is no sensor, call `frame.drop(columns=[{column!r}])`, else rename it."
        if is_sensor_name(name) and (frame.index.has_duplicates or any(map(is_time_name, names))):
            return f"{_form_fix(frame, column)} {rename}"
        return rename

    check_sensors(f"`{argument}`", names, ["number"] * len(names), seen, fix)
