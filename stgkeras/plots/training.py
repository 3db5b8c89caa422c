"""How a training went, from the logs that it left."""

import csv
import pathlib
import re
import struct

from stgkeras.plots.looks import MARKERS, WIDTH

PARTS = {"train": "training", "validation": "validation"}


def learning_curves(logs, *, names=None, title=""):
    """Draws losses and metrics by epoch, a panel each, the learning rate last.

    Args:
        logs: path of a folder, of a file that `keras.callbacks.CSVLogger` wrote, or a dict of
            label → such paths. A folder is searched for the event files of
            `stgkeras.callbacks.TensorBoard`, and for csv files with a column `epoch` that have no
            event files beside or below them; it may hold several runs.
        names: optional list of what to draw, such as ["loss", "mae"]; by default all.
        title: str, above them all.

    Returns:
        `matplotlib.figure.Figure`. Solid lines are of validation, dashed ones of training; runs
        differ in colour and marker. Where a training went back to an epoch, what it did from there
        on the first time is left out.

    Raises:
        FileNotFoundError: if there is no log.
        ValueError: if one of `names` was not logged, or there are more runs than markers, eight.

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

    runs = _runs(logs)
    found = {name: None for run in runs.values() for curves in run.values() for name in curves}
    if not found:
        raise FileNotFoundError(
            "`logs` must hold event files or csv files, with losses by epoch. "
            f"Received: {logs}, without"
        )
    shown = list(names or sorted(found, key=_place))
    if set(shown) - set(found):
        raise ValueError(f"`names` must be among {list(found)}. Received: {shown}")
    if len(runs) > len(MARKERS):
        raise ValueError(
            f"`logs` must hold at most {len(MARKERS)} runs, to be told apart. Received: "
            f"{len(runs)}; choose some, as a dict of label → path."
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
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)
        if place > len(shown) - columns:
            axes.set_xlabel("epoch")
    figure.legend(
        handles.values(),
        handles,
        ncols=1 + (len(max(handles, key=len)) < 28),
        frameon=False,
        loc="outside lower center",
    )
    figure.suptitle(title)
    return figure


def _place(name):
    """For the order of panels: the loss, metrics by name and number, the learning rate."""
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
    """{run: {"train" or "validation": {name: {epoch: value}}}}, the run "" where it is alone."""
    if isinstance(logs, dict):
        found = {(label, run): parts for label in logs for run, parts in _runs(logs[label]).items()}
        return {", ".join(filter(None, key)): parts for key, parts in found.items()}
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
    """Of a file of `CSVLogger`; {} of another."""
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        if "epoch" not in (rows.fieldnames or ()):
            return {}
        parts = {}
        for row in rows:
            if None in (*row, *row.values()) or _number(row["epoch"]) is None:
                continue  # cut off or too long, or no epoch
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
    """Drops the epochs from the first on, which are trained again."""
    for curve in curves.values():
        for epoch in [epoch for epoch in curve if epoch >= first]:
            del curve[epoch]


def _number(text):
    """None of what is no number, such as NA."""
    try:
        return float(text)
    except ValueError:
        return None


def _event_curves(folder):
    """{name: {epoch: value}} of the scalars of epochs, in the order of the files' names."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    curves = {}
    for path in sorted(folder.glob("*.tfevents.*")):
        for record in _records(path.read_bytes()):
            event = Event.FromString(record)
            if event.session_log.status == SessionLog.START:
                _forget(curves, event.step)
            for value in event.summary.value:
                if value.tag.startswith("epoch_") and value.HasField("simple_value"):
                    curve = curves.setdefault(value.tag.removeprefix("epoch_"), {})
                    curve[event.step] = value.simple_value
    return curves


def _records(data):
    """Each is its length, a checksum, its bytes, and another; a last one may be cut off."""
    start = 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield data[start + 12 : end]
        start = end + 4
