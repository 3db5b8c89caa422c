"""Openers of files that the library writes: models, presets, checkpoints and training logs."""

import inspect
import os
import pathlib
import sys
import tempfile

import keras
import numpy as np

from stgkeras import callbacks, models, plots
from tests.campaign import archives, constructed, opener_forecasters
from tests.campaign.children import Input

import model_cases  # isort: skip

CASES = (
    "stgcn",
    "astgcn-components",
    "astgcn-dot-additive",
    "graph-stid-season",
    "stgcn-links",
) + (*("astgcn-links-pairwise", "scnn", "chebnet-nodes", "gcn", "stgcn-sparse", "stgcn-normalize"),)
METADATA = {name: {} for name in ("data", "split", "scaler", "seed", "command", "metrics")}
PRESET = ("config.json", "model.weights.h5", "metadata.json")
NAMES = tuple(
    {
        name
        for cls in map(models.__dict__.get, models.__all__)
        if isinstance(cls, type)
        for name in inspect.signature(cls).parameters
    }
    | {"dtype"}
)


def saved():
    """Saves one model of each case, and the checkpoint and the logs of a training."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in CASES:
            model = model_cases.make(name)
            model.compile("adam", "mse")
            model.save(folder / "model.keras")
            model.save_to_preset(folder / name, {**METADATA, "versions": {}})
            preset = {part: (folder / name / part).read_bytes() for part in PRESET}
            found[name] = ((folder / "model.keras").read_bytes(), preset, model.get_weights())
        model, x = trained(), np.ones((4, 2), "float32")
        board = callbacks.TensorBoard(folder / "logs", hparams={"a": 1})
        last = callbacks.Checkpoint(folder / "last.keras")
        log = keras.callbacks.CSVLogger(folder / "log.csv")
        model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[last, board, log])
        events = (next((folder / "logs" / "train").glob("events*"))).read_bytes()
        return (
            found,
            (folder / "last.keras").read_bytes(),
            events,
            (folder / "log.csv").read_bytes(),
        )


def trained():
    dense = [keras.layers.Dense(3), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *dense])
    model.compile("adam", "mse")
    return model


SAVED, CHECKPOINT, EVENTS, CSV = saved()


def use_temporary(folder):
    """Lets Keras, which unpacks and packs archives in a temporary folder, use one in `folder`."""
    tempfile.tempdir = os.path.join(folder, "temporary")
    os.mkdir(tempfile.tempdir)


def tell_of_foreign(folder):
    """Tells the watch of this process of foreign members that left the temporary folder."""
    for path in [*pathlib.Path(folder).glob("evil*"), *pathlib.Path("/tmp").glob("evil.txt")]:
        sys.audit("os.rename", f"/outside/{path.name}", "", -1, -1)


def fault_of_weights(model, weights, fault):
    """Returns what is wrong with the weights of an opened model, or None."""
    if not isinstance(model, keras.Model):
        return f"a {type(model).__name__}, not a model"
    found = model.get_weights()
    # A changed value in an array leaves a valid file, in which nothing shows the change.
    if fault in ("bytes", "member", "h5 values", "json"):
        return None if len(found) == len(weights) else f"{len(found)} arrays"
    return constructed.fault_of_numbers(found, weights)


def load_model(rng, folder):
    """A `.keras` file, which Keras itself opens."""
    data, _, weights = SAVED[rng.choice(CASES)]
    fault = "none"
    if rng.random() < 0.75:
        data, fault = archives.damaged_archive(rng, data)
    path = str(pathlib.Path(folder, rng.choice(("model.keras",) * 9 + ("model.h5",))))
    pathlib.Path(path).write_bytes(data)

    def check(model):
        return fault_of_weights(model, weights, fault)

    def call():
        try:
            return keras.saving.load_model(path)
        finally:
            tell_of_foreign(folder)

    function = keras.saving.load_model
    use_temporary(folder)
    how = {"keras": True, "writes": True}
    return Input(call, function, check, len(data), fault, NAMES, path, **how)


def from_preset(rng, folder):
    """The folder of a preset."""
    name = rng.choice(CASES)
    _, parts, weights = SAVED[name]
    parts, fault = dict(parts), "none"
    if rng.random() < 0.7:
        fault = rng.choice(("json", "json", "h5", "h5", "bytes", "remove", "swap", "rename"))
        part = rng.choice(PRESET)
        if fault == "json":
            part = rng.choice(("config.json", "config.json", "metadata.json"))
            parts[part] = archives.damaged_json(rng, parts[part])
        elif fault == "h5":
            content, how = archives.damaged_h5(rng, parts["model.weights.h5"])
            parts["model.weights.h5"], fault = content, f"h5 {how}"
        elif fault == "bytes":
            parts[part] = archives.damaged_bytes(rng, parts[part])
        elif fault == "remove":
            del parts[part]
        elif fault == "rename":
            parts[f"{part}x"] = parts.pop(part)
        else:
            other = rng.choice(PRESET)
            parts[part], parts[other] = parts[other], parts[part]
    path = pathlib.Path(folder, "preset")
    path.mkdir()
    for part, content in parts.items():
        (path / part).write_bytes(content)
    cls = model_cases.CASES[name][0] if rng.random() < 0.9 else models.STGCN
    given = rng.choice((path, str(path))) if rng.random() < 0.95 else rng.choice(constructed.BAD)

    def check(model):
        return fault_of_weights(model, weights, fault)

    size = sum(map(len, parts.values()))
    told = f"{fault} {given!r}"
    return Input(lambda: cls.from_preset(given), cls.from_preset, check, size, told, (), str(path))


def damaged_record(rng):
    """A checkpoint whose record has other content."""
    members = dict(archives.members_of(CHECKPOINT))
    record = members["checkpoint.json"]
    change = rng.choice((archives.damaged_json, archives.damaged_json, archives.damaged_bytes))
    members["checkpoint.json"] = change(rng, record)
    return archives.archive_of(members.items())


def checkpoint(rng, folder):
    """A checkpoint: the number of its epochs, or a training that goes on from it."""
    data, fault = CHECKPOINT, "none"
    kind = rng.choice(("none", "record", "record", "archive", "bytes"))
    if kind == "record":
        data, fault = damaged_record(rng), kind
    elif kind == "archive":
        data, fault = archives.damaged_archive(rng, data)
    elif kind == "bytes":
        data, fault = archives.damaged_bytes(rng, data), kind
    path = pathlib.Path(folder, "last.keras")
    path.write_bytes(data)
    if rng.random() < 0.5:
        given = path if rng.random() < 0.9 else rng.choice((*constructed.BAD, "absent.keras"))
        call = callbacks.Checkpoint.epoch

        def check(epoch):
            is_count = isinstance(epoch, int) and not isinstance(epoch, bool) and epoch >= 0
            same = epoch == 2 or kind == "record" or fault == "json"
            return None if is_count and same else f"epoch {epoch!r}"

        return Input(lambda: call(given), call, check, len(data), fault, (), str(path))

    def resume():
        model, x = trained(), np.ones((4, 2), "float32")
        model.fit(
            x,
            x[:, :1],
            epochs=3,
            initial_epoch=2,
            verbose=0,
            callbacks=[callbacks.Checkpoint(path)],
        )
        return callbacks.Checkpoint.epoch(path)

    def check_resumed(epoch):
        return None if epoch == 3 else f"epoch {epoch!r}"

    function = callbacks.Checkpoint
    use_temporary(folder)
    return Input(resume, function, check_resumed, len(data), fault, (), str(path), writes=True)


def learning_curves(rng, folder):
    """Event files and csv files of a training."""
    is_csv = rng.random() < 0.4
    data = CSV if is_csv else EVENTS
    fault = rng.choice(("none", "bytes", "bytes"))
    damaged = archives.damaged_bytes(rng, data) if fault == "bytes" else data
    path = pathlib.Path(folder, "log.csv" if is_csv else "train/events.out.tfevents.1.x.1.0")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damaged)
    given = str(path if is_csv else folder)
    given = given if rng.random() < 0.95 else rng.choice(constructed.BAD)

    def check(figure):
        """Whole event files show the values of the log; damaged ones at most fewer of them."""
        if is_csv:
            return None
        wanted = expected_loss()
        for axes in figure.axes:
            if axes.get_title() == "loss":
                found = axes.lines[0].get_ydata()
                if len(found) > len(wanted) or not np.allclose(found, wanted[: len(found)]):
                    return f"losses {found} instead of {wanted}"
        return None

    function = plots.learning_curves
    return Input(lambda: function(given), function, check, len(data), fault, (), str(path))


def expected_loss():
    head, *rows = CSV.decode().split()
    column = head.split(",").index("loss")
    return [float(row.split(",")[column]) for row in rows]


TARGETS = (load_model, from_preset, checkpoint, learning_curves, *opener_forecasters.TARGETS)
