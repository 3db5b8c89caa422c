"""TensorBoard logs on every backend, without TensorFlow."""

from __future__ import annotations

import numbers
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from stgkeras import _processes, arguments
from stgkeras.callbacks import summaries
from stgkeras.callbacks.gradient_norm import GradientNorm


class TensorBoard(keras.callbacks.Callback):
    """Callback that writes TensorBoard logs on every backend, without TensorFlow.

    To view the logs, run `tensorboard --logdir FOLDER`, where FOLDER is `log_dir` or one of its
    parents. The x axis of all plots is the epoch. The callback writes:

    - Scalars: the loss and all metrics, with the names that `keras.callbacks.TensorBoard` uses.
      For example, `loss` is `epoch_loss` in `log_dir/train`, and `val_loss` is `epoch_loss` in
      `log_dir/validation`. The callback also writes `epoch_learning_rate`,
      `epoch_seconds_per_step` (without the time of validation), and, if the optimizer is a
      `GradientNorm`, `epoch_gradient_norm`.
    - Histograms: the trainable weights.
    - Text: a table of the layers with output shapes, parameters and input layers.
    - Images: the figures that `images` returns.
    - HParams: `hparams`, with the loss and the metrics of the last epoch as `final/loss`,
      `final/val_loss`, … in `log_dir/hparams`.

    A resumed run can write to the same folder. TensorBoard then shows each epoch once: from the
    first epoch of the resumed run on, it ignores the data of earlier runs. For `hparams`,
    TensorBoard shows the values of the first run in a folder. If several processes train, only the
    first one writes; `images` is called in each, so that it can use `predict`.

    Args:
        log_dir: path of the folder. It is created if it does not exist.
        every: int ≥ 1. Number of epochs between histograms and images. The callback writes them at
            the epochs 0, `every`, 2 `every`, …, and at the last epoch.
        images: function or None. Takes the model and returns a dict of name → image. An image is a
            matplotlib Figure, for example from `stgkeras.plots`, an array (height, width) from 0
            (black) to 1 (white), or an array (height, width, 3) of red, green and blue.
        hparams: dict of name → number, bool or str, or None. Hyperparameters of this run, for a
            comparison of runs. Values of other types are written as text.

    Raises:
        ValueError: if `every` is not an integer of at least 1, or if `images` is not a function. In
            `fit`, if `images` does not return a dict.
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

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        every: int = 5,
        images: Callable[[keras.Model], Mapping[str, Any]] | None = None,
        hparams: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        _check(every, images, hparams)
        self.log_dir = arguments.path("log_dir", log_dir)
        self.every = every
        self.images = images
        self.hparams = hparams
        self._first_epoch: int | None = None
        self._ended: float | None = None
        self._files: dict[str, summaries.EventFile] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._close()  # files are still open if an error ended the last `fit`

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._first_epoch is None:
            self._first_epoch = epoch
            if self.hparams is not None:
                # TensorBoard does not show `hparams` and their metrics if both are in `log_dir`
                # itself, so they are written to the subfolder "hparams".
                self._write("hparams", epoch, summaries.hparams(self.hparams))
        optimizer = self.model.optimizer
        if isinstance(optimizer, GradientNorm):
            optimizer.reset_norm()
        self._first_step = int(optimizer.iterations)
        self._began, self._ended = time.perf_counter(), None

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._ended = time.perf_counter()  # the training steps end before validation

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seconds = (self._ended or time.perf_counter()) - self._began
        optimizer = self.model.optimizer
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        more: dict[str, Any] = {"learning_rate": rate}
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

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.hparams is not None and self._files:
            self._write("hparams", self._last_epoch, summaries.scalars("final/", logs or {}))
            self._write("hparams", self._last_epoch, summaries.session_end())
        self._close()

    def _draw(self):
        """Returns the images.

        On torch, `predict` draws a random number. `fork_rng` restores the random state, so that
        dropout gives the same numbers with and without images.
        """
        if keras.backend.backend() != "torch":
            return self.images(self.model)
        import torch

        with torch.random.fork_rng(range(torch.cuda.device_count())):
            return self.images(self.model)

    def _write(self, run, step, summary):
        if not _processes.is_first():
            return
        if run not in self._files:
            self._files[run] = summaries.EventFile(self.log_dir / run, self._first_epoch)
        self._files[run].add(step=step, summary=summary)

    def _close(self):
        for file in self._files.values():
            file.close()
        self._files = {}
        self._first_epoch = None


def _check(every, images, hparams):
    if isinstance(every, bool) or not isinstance(every, numbers.Integral) or every < 1:
        raise ValueError(
            f"`every` must be an integer of at least 1. Received: every={every!r}. Pass a number "
            "of epochs."
        )
    if images is not None and not callable(images):
        raise ValueError(
            f"`images` must be a function that takes the model. Received: images={images!r}. "
            "Pass a function such as lambda model: {'name': figure}."
        )
    is_named = isinstance(hparams, Mapping) and all(isinstance(name, str) for name in hparams)
    if hparams is not None and not is_named:
        raise ValueError(
            f"`hparams` must be a dict of name → value. Received: hparams={hparams!r}. Pass a dict "
            'such as {"K": 3}.'
        )
