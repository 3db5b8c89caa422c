"""TensorBoard logs on every backend, without TensorFlow."""

import itertools
import numbers
import os
import pathlib
import socket
import time

import keras

_file_number = itertools.count()


class TensorBoardScalars(keras.callbacks.Callback):
    """Writes every number in the logs of an epoch for TensorBoard, and needs no TensorFlow.

    Tags and folders are those of `keras.callbacks.TensorBoard`: `loss` becomes `epoch_loss` in
    `log_dir/train`, `val_loss` becomes `epoch_loss` in `log_dir/validation`; the step is the epoch.
    A run that goes on in the same folder adds a file, and tells TensorBoard to drop what earlier
    files hold from its first epoch on, so an epoch trained twice shows once, as trained last.

    Args:
        log_dir: string or path of the folder; made if missing.

    Raises:
        ImportError: at the first epoch, if the `tensorboard` package is not installed.

    Example:
        >>> import os, tempfile, keras, numpy as np
        >>> from stgkeras.callbacks import TensorBoardScalars
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y, folder = np.ones((4, 2)), np.ones((4, 1)), tempfile.mkdtemp()
        >>> callbacks = [TensorBoardScalars(folder)]
        >>> history = model.fit(x, y, validation_split=0.5, verbose=0, callbacks=callbacks)
        >>> sorted(os.listdir(folder))
        ['train', 'validation']
    """

    def __init__(self, log_dir):
        super().__init__()
        self.log_dir = pathlib.Path(log_dir)
        self._first_epoch = None
        self._writers = {}

    def on_train_begin(self, logs=None):
        self._close()  # left open where an error ended the last `fit`

    def on_epoch_begin(self, epoch, logs=None):
        if self._first_epoch is None:
            self._first_epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        runs = {"train": {}, "validation": {}}
        for name, value in (logs or {}).items():
            if isinstance(value, numbers.Real):
                run = "validation" if name.startswith("val_") else "train"
                runs[run][f"epoch_{name.removeprefix('val_')}"] = float(value)
        for run, scalars in runs.items():
            if scalars:
                self._write(run, epoch, scalars)

    def on_train_end(self, logs=None):
        self._close()

    def _write(self, run, step, scalars):
        from tensorboard.compat.proto.summary_pb2 import Summary

        if run not in self._writers:
            self._writers[run] = _EventFile(self.log_dir / run, self._first_epoch)
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._writers[run].add(step=step, summary=Summary(value=values))

    def _close(self):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
        self._first_epoch = None


class _EventFile:
    """One event file; readers drop what older files of the folder hold from `first_step` on.

    tensorboard's own `EventFileWriter` opens its files through TensorFlow wherever that is
    installed, so this one uses only its record format.
    """

    def __init__(self, folder, first_step):
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        # Readers take the files of a folder in the order of their names.
        number = f"{os.getpid()}.{next(_file_number)}"
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{number}"
        self._records = RecordWriter(open(folder / name, "xb"))
        self.add(file_version="brain.Event:2")
        self.add(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, **event):
        from tensorboard.compat.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time.time(), **event).SerializeToString())
        self._records.flush()

    def close(self):
        self._records.close()
