"""Event files and summaries for TensorBoard, written without TensorFlow."""

from __future__ import annotations

import io
import itertools
import numbers
import os
import pathlib
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

_file_number = itertools.count()


class EventFile:
    """Writer of one event file.

    Programs that read the folder drop the events of older files from `first_step` on. The class
    uses only the record format of the `tensorboard` package, because its `EventFileWriter` opens
    files through TensorFlow if TensorFlow is installed.

    Args:
        folder: `pathlib.Path` of the folder. Missing folders are created.
        first_step: int. First step of this run.
    """

    def __init__(self, folder: pathlib.Path, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names.
        number = f"{os.getpid()}.{next(_file_number)}"
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{number}"
        self._records = RecordWriter(open(folder / name, "xb"))
        self.add(file_version="brain.Event:2")
        self.add(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, **event: Any) -> None:
        """Writes an event with these fields and the present time."""
        from tensorboard.compat.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time.time(), **event).SerializeToString())
        self._records.flush()

    def close(self) -> None:
        """Closes the file."""
        self._records.close()


def scalars(prefix: str, figures: Mapping[str, Any]) -> Summary:
    """Returns a summary of the numbers in `figures`, with `prefix` before their names."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(
        value=[
            Summary.Value(tag=prefix + name, simple_value=float(value))
            for name, value in figures.items()
            if isinstance(value, numbers.Real)
        ]
    )


def histograms(model: keras.Model) -> Summary:
    """Returns histograms of the trainable weights.

    The histograms leave out NaN and infinite values, because an error here would end the run.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb

    summary = Summary()
    for weight in model.trainable_weights:
        values = keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))
        summary.MergeFrom(histogram_pb(weight.path, values[np.isfinite(values)]))
    return summary


def images(pictures: Mapping[str, Any]) -> Summary:
    """Returns a summary of images as PNG data, from a dict of name → Figure or array."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    if not isinstance(pictures, dict):
        raise ValueError(
            "`images` must return a dict of name → matplotlib Figure or array. "
            f"Received: {type(pictures).__name__}. Return {{}} for no images."
        )
    values = []
    for name, picture in pictures.items():
        png = _png(picture)
        width, height = struct.unpack(">II", png[16:24])  # from the PNG header
        image = Summary.Image(height=height, width=width, encoded_image_string=png)
        values.append(Summary.Value(tag=name, image=image))
    return Summary(value=values)


def _png(picture):
    from matplotlib import image

    file = io.BytesIO()
    if hasattr(picture, "savefig"):
        picture.savefig(file, format="png")
    else:
        image.imsave(file, picture, format="png", cmap="gray", vmin=0, vmax=1)
    return file.getvalue()


def text(tag: str, markdown: str) -> Summary:
    """Returns a summary of a text in Markdown."""
    from tensorboard.plugins.text.summary_v2 import text_pb

    return text_pb(tag, markdown)


def layers_table(model: keras.Model) -> str:
    """Returns a table in Markdown with a row for each layer. "from" names the input layers."""
    operations = getattr(model, "operations", model.layers)
    source = {id(tensor): op.name for op in operations for tensor in _tensors(op, "output")}
    lines = ["| layer | type | output | parameters | from |", "| --- | --- | --- | ---: | --- |"]
    for op in operations:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in _tensors(op, "output"))
        parameters = sum(np.prod(weight.shape, dtype=int) for weight in getattr(op, "weights", ()))
        found = [source.get(id(tensor), "input") for tensor in _tensors(op, "input")]
        cells = op.name, type(op).__name__, shapes, f"{parameters:,}", ", ".join(found)
        lines.append(f"| {' | '.join(cells)} |")
    trainable = sum(np.prod(weight.shape, dtype=int) for weight in model.trainable_weights)
    return "\n".join([*lines, "", f"{model.name}: {trainable:,} trainable parameters"])


def _tensors(operation, which):
    """Returns the inputs or outputs of a layer, or [] in a model that is not functional."""
    return keras.tree.flatten(getattr(operation, which, []))


def hparams(hparams: Mapping[str, Any]) -> Summary:
    """Returns a summary of hyperparameters. Values of unknown types become text."""
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    known = bool, numbers.Real, str
    return hparams_pb({k: v if isinstance(v, known) else str(v) for k, v in hparams.items()})


def session_end() -> Summary:
    """Returns the summary that marks the end of a run for the HParams page."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    value = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(data),
        tensor=metadata.NULL_TENSOR,
    )
    return Summary(value=[value])
