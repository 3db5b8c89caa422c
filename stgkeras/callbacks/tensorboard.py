"""TensorBoard logs on every backend, without TensorFlow."""

import numbers
import pathlib
import time

import keras

from stgkeras.callbacks import summaries
from stgkeras.callbacks.gradient_norm import GradientNorm


class TensorBoard(keras.callbacks.Callback):
    """Writes how a training goes for TensorBoard, on every backend, and needs no TensorFlow.

    See it with `tensorboard --logdir FOLDER`, where `log_dir` is FOLDER or in it. The step of
    everything is the epoch.

    - Scalars: every number in the logs, with the tags and folders of `keras.callbacks.TensorBoard`:
      `loss` is `epoch_loss` in `log_dir/train`, `val_loss` is `epoch_loss` in `log_dir/validation`.
      Beside them `epoch_learning_rate`, `epoch_seconds_per_step`, without validation, and
      `epoch_gradient_norm` where the optimizer is a `GradientNorm`.
    - Histograms: the trainable weights.
    - Text: the layers, with shapes, parameters, and where their inputs come from.
    - Images: what `images` draws.
    - HParams: `hparams`, beside the last logs, which are the scalars `final/loss`,
      `final/val_loss`, … in `log_dir/hparams`.

    A run that goes on in the same folder adds files, and tells TensorBoard to drop what earlier
    files hold from its first epoch on, so an epoch trained twice shows once, as trained last. Of
    `hparams` TensorBoard keeps the first that a folder got.

    Args:
        log_dir: string or path of the folder; made if missing.
        every: int ≥ 1. Histograms and images are written for the epochs 0, `every`, 2 `every`, …
            and for the last of `epochs`.
        images: optional function that takes the model and returns a dict of name → picture: a
            matplotlib Figure, such as `stgkeras.plots` gives, or an array (height, width) from 0,
            black, to 1, white, or (height, width, 3) of red, green and blue.
        hparams: optional dict of name → number, bool or string; others are written as text.

    Raises:
        ValueError: if `every` or `images` is of the wrong kind; in `fit`, if `images` returns no
            dict.
        ImportError: in `fit`, if the `tensorboard` package is not installed.

    Example:
        >>> import os, tempfile, keras, numpy as np
        >>> from stgkeras.callbacks import TensorBoard
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y, folder = np.ones((4, 2)), np.ones((4, 1)), tempfile.mkdtemp()
        >>> board = TensorBoard(folder, images=lambda model: {"kernel": model.get_weights()[0]})
        >>> history = model.fit(x, y, validation_split=0.5, verbose=0, callbacks=[board])
        >>> sorted(name.split(".")[0] for name in os.listdir(folder))
        ['events', 'train', 'validation']
    """

    def __init__(self, log_dir, *, every=5, images=None, hparams=None):
        super().__init__()
        if not isinstance(every, numbers.Integral) or every < 1:
            raise ValueError(f"`every` must be an integer of at least 1. Received: every={every!r}")
        if images is not None and not callable(images):
            raise ValueError(
                "`images` must be a function that takes the model, such as lambda model: "
                f"{{'name': figure}}. Received: images={images!r}"
            )
        self.log_dir = pathlib.Path(log_dir)
        self.every = every
        self.images = images
        self.hparams = hparams
        self._first_epoch = None
        self._files = {}

    def on_train_begin(self, logs=None):
        self._close()  # left open where an error ended the last `fit`

    def on_epoch_begin(self, epoch, logs=None):
        if self._first_epoch is None:
            self._first_epoch = epoch
            if self.hparams is not None:
                # A folder of its own: TensorBoard finds no figures of a session at the top.
                self._write("hparams", epoch, summaries.hparams(self.hparams))
        optimizer = self.model.optimizer
        if isinstance(optimizer, GradientNorm):
            optimizer.reset_norm()
        self._first_step = int(optimizer.iterations)
        self._began, self._ended = time.perf_counter(), None

    def on_test_begin(self, logs=None):
        self._ended = time.perf_counter()  # of the steps; validation follows

    def on_epoch_end(self, epoch, logs=None):
        seconds = (self._ended or time.perf_counter()) - self._began
        optimizer = self.model.optimizer
        more = {"learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate))}
        if steps := int(optimizer.iterations) - self._first_step:
            more["seconds_per_step"] = seconds / steps
        if isinstance(optimizer, GradientNorm):
            more["gradient_norm"] = optimizer.mean_norm()
        figures = more | (logs or {})
        validation = {name[4:]: v for name, v in figures.items() if name.startswith("val_")}
        train = {name: v for name, v in figures.items() if not name.startswith("val_")}
        self._write("train", epoch, summaries.scalars("epoch_", train))
        if validation:
            self._write("validation", epoch, summaries.scalars("epoch_", validation))
        self._last_epoch = epoch
        if epoch == self._first_epoch:  # the model is built by now
            self._write("", epoch, summaries.text("model", summaries.layers_table(self.model)))
        if epoch % self.every == 0 or epoch + 1 == self.params.get("epochs"):
            self._write("train", epoch, summaries.histograms(self.model))
            if self.images is not None:
                self._write("", epoch, summaries.images(self._draw()))

    def on_train_end(self, logs=None):
        if self.hparams is not None and self._files:
            self._write("hparams", self._last_epoch, summaries.scalars("final/", logs or {}))
            self._write("hparams", self._last_epoch, summaries.session_end())
        self._close()

    def _draw(self):
        """The pictures. On torch, `predict` draws a random number, which dropout would miss."""
        if keras.backend.backend() != "torch":
            return self.images(self.model)
        import torch

        with torch.random.fork_rng(range(torch.cuda.device_count())):
            return self.images(self.model)

    def _write(self, run, step, summary):
        if run not in self._files:
            self._files[run] = summaries.EventFile(self.log_dir / run, self._first_epoch)
        self._files[run].add(step=step, summary=summary)

    def _close(self):
        for file in self._files.values():
            file.close()
        self._files = {}
        self._first_epoch = None
