"""Figures of learning curves, read from training logs."""

from __future__ import annotations

import csv
import io
import os
import pathlib
import re
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stgkeras import arguments
from stgkeras.plots.checks import texts
from stgkeras.plots.looks import MARKERS, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = {"train": "training", "validation": "validation"}


def learning_curves(
    logs: str | os.PathLike[str] | dict[str, Any],
    *,
    names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws learning curves: each loss and metric by epoch, and the learning rate.

    Solid lines show validation, dashed lines show training. Runs differ in colour and marker. If a
    run was resumed at an earlier epoch, the old values from this epoch on are left out.

    Args:
        logs: path of a CSV file, path of a folder, or dict of label → such path. The CSV file is
            the log of `keras.callbacks.CSVLogger`. A folder may hold several runs. The function
            reads all event files of `stgkeras.callbacks.TensorBoard` in the folder. It also reads
            the CSV files with a column `epoch`, except if there are event files in the same folder
            or in a subfolder.
        names: sequence of str, or None. Losses and metrics to draw, such as ["loss", "mae"]. None
            draws all.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure` with one panel for each name.

    Raises:
        FileNotFoundError: if there is no log.
        ValueError: if one of `names` is not in the logs, there are more than eight runs, or a file
            is damaged.

    Example:
        >>> import pathlib, tempfile, stgkeras
        >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
        >>> _ = path.write_text("epoch,learning_rate,loss,val_loss\\n0,0.1,3,4\\n1,0.05,2,3\\n")
        >>> figure = stgkeras.plots.learning_curves(path)
        >>> [axes.get_title() for axes in figure.axes]
        ['loss', 'learning rate']
        >>> figure.axes[0].lines[1].get_ydata().tolist()
        [4.0, 3.0]
    """
    from matplotlib.figure import Figure

    texts(title=title)
    names = arguments.names("names", names)
    names = [names] if isinstance(names, str) else names
    runs = _runs(logs)
    found = {name: None for run in runs.values() for curves in run.values() for name in curves}
    if not found:
        raise FileNotFoundError(
            "`logs` must hold event files or csv files with one value per epoch. Received: "
            f"logs={logs!r}, without such files. Pass the folder that `TensorBoard` or "
            "`CSVLogger` wrote to."
        )
    shown = list(names or sorted(found, key=_place))
    if set(shown) - set(found):
        raise ValueError(
            f"`names` must be among the logged names, {list(found)}. Received: names={shown}. "
            f"Remove {sorted(set(shown) - set(found))}."
        )
    if len(runs) > len(MARKERS):
        raise ValueError(
            f"`logs` must hold at most {len(MARKERS)} runs. Received: {len(runs)} runs. Choose "
            "some runs by a dict of label → path."
        )
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, 1.7 * rows + 0.8), layout="constrained")
    handles = {}
    for place, name in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place)
        for number, (run, parts) in enumerate(runs.items()):
            for part, curves in parts.items():
                if name in curves:
                    label = ", ".join(filter(None, [run, PARTS[part]]))
                    handles[label] = _draw(axes, curves[name], part, number)
        axes.set_title(name.replace("_", " "), fontsize=10 if len(name) < 24 else 8)
        axes.ticklabel_format(axis="y", scilimits=(-3, 4))
        axes.locator_params(axis="x", integer=True, nbins=6)
        if place > len(shown) - columns:
            axes.set_xlabel("epoch")
    legend_columns = 1 + (len(max(handles, key=len)) < 28)
    legend_rows = -(-len(handles) // legend_columns)
    figure.set_figheight(1.7 * rows + 0.8 + 0.22 * max(0, legend_rows - 2))
    figure.legend(
        handles.values(),
        handles,
        ncols=legend_columns,
        frameon=False,
        loc="outside lower center",
    )
    figure.suptitle(title)
    return figure


def _place(name):
    """Returns the sort key of a panel: the loss first, then metrics, the learning rate last."""
    words = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
    return name == "learning_rate", name != "loss", words


def _draw(axes, curve, part, number):
    epochs = sorted(curve)
    return axes.plot(
        epochs,
        [curve[epoch] for epoch in epochs],
        color=f"C{number}",
        linestyle="-" if part == "validation" else "--",
        linewidth=1.2,
        marker=MARKERS[number],
        markersize=3,
        markevery=max(1, len(epochs) // 10),
        markerfacecolor=f"C{number}" if part == "validation" else "w",
    )[0]


def _runs(logs):
    """Returns {run: {"train" or "validation": {name: {epoch: value}}}}. A single run is ""."""
    if isinstance(logs, dict):
        found = {(label, run): parts for label in logs for run, parts in _runs(logs[label]).items()}
        return {", ".join(filter(None, key)): parts for key, parts in found.items()}
    if not isinstance(logs, (str, os.PathLike)):
        raise TypeError(
            f"`logs` must be a path, or a dict of label → path. Received: logs={logs!r}. Pass the "
            "folder that `TensorBoard` wrote to."
        )
    top = pathlib.Path(logs)
    if top.is_file():
        return {"": _csv_curves(top)}
    runs, folders = {}, {path.parent for path in top.rglob("*.tfevents.*")}
    for folder in sorted(folders):
        curves = _event_curves(folder)
        if curves:
            place, part = (
                (folder.parent, folder.name) if folder.name in PARTS else (folder, "train")
            )
            runs.setdefault(place, {})[part] = curves
    for path in sorted(top.rglob("*.csv")):
        if not any(folder.is_relative_to(path.parent) for folder in folders):
            if parts := _csv_curves(path):
                runs[path.with_suffix("")] = parts
    if len(runs) == 1:
        return {"": runs.popitem()[1]}
    return {str(place.relative_to(top)): parts for place, parts in runs.items()}


def _csv_curves(path):
    """Returns {"train" or "validation": {name: {epoch: value}}}, or {} without an epoch column."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise _damaged(path, error) from error
    try:
        return _curves_of_rows(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise _damaged(path, error) from error


def _damaged(path, reason):
    return ValueError(
        f"`logs` must hold undamaged files. Received: {str(path)!r}, with {reason}. Remove the "
        "file, or use another copy."
    )


def _curves_of_rows(rows):
    """Returns the curves of the rows of a csv file, see `_csv_curves`."""
    if "epoch" not in (rows.fieldnames or ()):
        return {}
    parts = {}
    for row in rows:
        if None in (*row, *row.values()) or not _is_epoch(row["epoch"]):
            continue  # incomplete row, too many values, or invalid epoch
        epoch = int(float(row["epoch"]))
        for curves in parts.values():
            _forget(curves, epoch)
        for name, text in row.items():
            part = "validation" if name.startswith("val_") else "train"
            curve = parts.setdefault(part, {}).setdefault(name.removeprefix("val_"), {})
            if (value := _number(text)) is not None:
                curve[epoch] = value
    parts.get("train", {}).pop("epoch", None)
    return parts


def _forget(curves, first):
    """Deletes the values from epoch `first` on, because the run trained these epochs again."""
    for curve in curves.values():
        for epoch in [epoch for epoch in curve if epoch >= first]:
            del curve[epoch]


def _is_epoch(text):
    number = _number(text)
    return number is not None and 0 <= number < 2**53


def _number(text):
    """Returns a float, or None if the text is not a number, such as NA."""
    try:
        return float(text)
    except ValueError:
        return None


def _event_curves(folder):
    """Returns {name: {epoch: value}}. Values in later files, by name, replace earlier values."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    curves = {}
    for path in sorted(folder.glob("*.tfevents.*")):
        for record in _records(path):
            try:
                event = Event.FromString(record)
            except DecodeError as error:
                raise _damaged(path, error) from error
            if event.session_log.status == SessionLog.START:
                _forget(curves, event.step)
            for value in event.summary.value:
                if value.tag.startswith("epoch_") and value.HasField("simple_value"):
                    curve = curves.setdefault(value.tag.removeprefix("epoch_"), {})
                    curve[event.step] = value.simple_value
    return curves


def _records(path):
    """Yields the data of each record. A record is length, checksum, data and checksum.

    The last record may be incomplete, because the run may still be writing the file. Records above
    64 kB, images and histograms, are not checked, which would take seconds.
    """
    from tensorboard.summary.writer.record_writer import masked_crc32c

    data, start = path.read_bytes(), 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        end = start + 12 + length
        if _number_at(data, start + 8) != masked_crc32c(data[start : start + 8]):
            raise _damaged(path, f"a wrong checksum at byte {start}")
        if end + 4 > len(data):
            return
        record = data[start + 12 : end]
        if length <= 2**16 and _number_at(data, end) != masked_crc32c(record):
            raise _damaged(path, f"a wrong checksum at byte {end}")
        yield record
        start = end + 4


def _number_at(data, start):
    return struct.unpack_from("<I", data, start)[0]
