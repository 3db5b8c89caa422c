"""Checks that the inputs and targets of a model have no infinite values and no unexpected NaN.

The checks use NumPy, before the values reach the backend, because some operations of a backend turn
NaN into numbers. Arrays are checked at once, other data batch by batch.
"""

from __future__ import annotations

import copy
import types
import warnings
from collections.abc import Hashable
from typing import Any

import keras
import numpy as np

from stgkeras.models.model_inputs import refuse_other_names
from stgkeras.models.operator_check import check_adjacencies
from stgkeras.models.target_checks import TargetCheck
from stgkeras.seasons import pieces

SIGNALS = ("x", "recent", "daily", "weekly")  # inputs in which readings may be missing


class Readings:
    """Checks the data of one call of `fit`, `evaluate` or `predict`.

    Args:
        inputs: the `input` of the model, a tensor or a dict of tensors.
        takes_missing: bool. Whether NaN in a signal is a missing reading: the model has a scaler.
        loss: None, or the `loss` that the model was compiled with.
        targets: further checks of the targets.
    """

    def __init__(self, inputs: Any, takes_missing: bool, loss: Any, targets: TargetCheck) -> None:
        self.inputs, self.takes_missing, self.targets = inputs, takes_missing, targets
        self.names = [tensor.name for tensor in keras.tree.flatten(inputs)]
        self.unmasked_loss = _unmasked_loss(loss)
        self.error: ValueError | None = None
        # {batch: (number of windows, number of windows without readings)}. The key is the batch
        # because Keras reads some batches twice.
        self.windows: dict[Hashable, tuple[int, int]] = {}

    def checked(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        """Checks `x` and `y`, and returns them. Data in batches are checked when they are read.

        Args:
            x: arrays, or any data set that Keras accepts as `x`.
            y: None, or the targets.
        """
        self.targets.data(x, y)
        self._refuse_missing_targets(x)
        if isinstance(x, keras.utils.PyDataset):
            return _CheckedDataset(x, self), y
        if isinstance(x, types.GeneratorType):
            return (self.batch(item) for item in x), y
        if _is_named(x, "torch", "DataLoader"):
            x = copy.copy(x)
            x.collate_fn = _Collated(x.collate_fn, self)
            return x, y
        if _is_named(x, "tensorflow", "DatasetV2"):
            return self._of_tensorflow(x), y
        self.batch((x, y))
        return x, y

    def batch(self, data: Any, key: Hashable = None) -> Any:
        """Checks one batch, and returns it.

        Args:
            data: the inputs, or a tuple (inputs, targets, …).
            key: None, or an identifier of the batch, so that a batch that is read twice counts
                once.
        """
        try:
            # Keras reads a tuple or a list from a data set as inputs and targets.
            is_pair = isinstance(data, (tuple, list))
            x, y = (*data, None)[:2] if is_pair else (data, None)
            self._check_inputs(x, len(self.windows) if key is None else key)
            for target in keras.tree.flatten(y):
                may_miss, fix = self.unmasked_loss is None, MISSING_TARGET
                self._check("y", target, may_miss, fix.format(loss=self.unmasked_loss))
                numbers = _as_numbers(target)
                if numbers is not None:
                    self.targets.batch(numbers)
        except ValueError as error:
            self.error = error  # TensorFlow converts the error to another type
            raise
        return data

    def warn(self, stacklevel: int) -> None:
        """Warns if some windows had no reading, and of what the check of the targets found."""
        self.targets.warn(stacklevel + 1)
        windows, empty = np.sum([*self.windows.values(), (0, 0)], axis=0)
        if empty:
            warnings.warn(
                f"{empty} of {windows} input windows have no reading. The model replaces all their "
                "values by the mean or the seasonal mean. Remove these windows.",
                stacklevel=stacklevel + 1,
            )

    def _refuse_missing_targets(self, x):
        """Raises ValueError before the first batch: the batch with a missing target may come late.

        `compile` knows no data, so only here are both the loss and the targets known.
        """
        find = getattr(x, "missing_target", None)  # `datasets.Windows`
        place = find() if find is not None and self.unmasked_loss is not None else None
        if place is not None:
            raise ValueError(
                "`targets` of the windows must hold finite numbers. Received: NaN at "
                f"targets{list(place)}, the first missing reading that a window predicts. "
                + MISSING_TARGET.format(loss=self.unmasked_loss)
            )

    def _check_inputs(self, x, key):
        refuse_other_names(x, self.inputs)
        named = x if isinstance(x, dict) else dict(zip(self.names, _listed(x), strict=False))
        signals = {}
        for name in set(named) & set(self.names):  # a model of one input ignores other keys
            array = named[name]
            may_miss = self.takes_missing and name in SIGNALS
            array = self._check(name, array, may_miss, MISSING_INPUT)
            if may_miss and array is not None and array.size:
                signals[name] = array
        if signals:
            arrays = [array.reshape(len(array), -1) for array in signals.values()]
            # A window without readings starts with NaN. Only the few windows that start with NaN
            # are read completely.
            empty = np.all([np.isnan(array[:, 0]) for array in arrays], axis=0)
            rows = np.flatnonzero(empty)
            if len(rows):
                rows = np.all([np.isnan(array[rows]).all(axis=1) for array in arrays], axis=0)
            self.windows[key] = len(empty), int(np.sum(rows))

    def _check(self, name, array, may_miss, remedy):
        """Checks an array and returns it as a NumPy array, or None if it has no floats."""
        array = _as_numbers(array)
        is_graph = name == "graph"
        if array is None or (array.dtype.kind in "biu" and not is_graph):
            return None
        for part in pieces(array):
            with np.errstate(over="ignore"):  # numbers beyond float32 become infinite
                values = np.asarray(array[part], "float32")
            if np.isfinite(values).all():
                if is_graph:
                    check_adjacencies(values, part.start)
                continue
            infinite = np.isinf(values)
            if infinite.any():
                _raise(name, part, infinite, "an infinite number", INFINITE)
            if not may_miss:
                _raise(name, part, np.isnan(values), "NaN", remedy)
        return array

    def _of_tensorflow(self, dataset):
        import tensorflow as tf

        def through(*data):
            data = data if len(data) > 1 else data[0]
            flat = tf.nest.flatten(data)  # tensors, or None
            places = [place for place, part in enumerate(flat) if isinstance(part, tf.Tensor)]

            def check(*arrays):
                read = dict(zip(places, (array.numpy() for array in arrays), strict=True))
                parts = [read.get(place) for place in range(len(flat))]
                self.batch(tf.nest.pack_sequence_as(data, parts))
                return np.int32(0)

            done = tf.py_function(check, [flat[place] for place in places], tf.int32)
            with tf.control_dependencies([done]):
                kept = [
                    tf.identity(part) if place in places else part
                    for place, part in enumerate(flat)
                ]
                return tf.nest.pack_sequence_as(data, kept)

        return dataset.map(through)


MISSING_INPUT = (
    "Replace missing readings by numbers, or remove them. Only a model with `normalize=True` or a "
    "`season` accepts NaN as a missing reading, and only in its signals."
)
MISSING_TARGET = (
    "The loss {loss} does not ignore missing readings. Compile with a loss that ignores them, such "
    "as `stgkeras.losses.MaskedMeanAbsoluteError()`, or remove them from the targets."
)
INFINITE = "Replace it by a finite number, or by NaN if the reading is missing."


def _as_numbers(array):
    """Returns the values as a NumPy array of rank 1 or more, or None if they are no numbers."""
    if hasattr(array, "to_numpy"):  # a pandas object
        array = array.to_numpy()
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        return None
    if _is_named(array, "torch", "Tensor"):
        array = array.detach().cpu()
        array = (array.float() if array.is_floating_point() else array).numpy()
    elif not isinstance(array, np.ndarray):
        try:
            array = keras.ops.convert_to_numpy(array)
        except (TypeError, ValueError, RuntimeError):  # a tensor of another kind
            return None
    if array.dtype.kind in "OSU":
        return None
    return np.atleast_1d(array)


def _raise(name, part, found, what, remedy):
    place = np.argwhere(found)[0].tolist()
    place[0] += part.start
    raise ValueError(
        f"`{name}` must hold finite numbers. Received: {what} at {name}{place}, the first such "
        f"entry. {remedy}"
    )


class _CheckedDataset(keras.utils.PyDataset):
    """Data set that checks each batch when it is read."""

    def __init__(self, dataset, readings):
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self.dataset, self.readings = dataset, readings

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def __getitem__(self, index):
        return self.readings.batch(self.dataset[index], (id(self.dataset), index))

    def on_epoch_begin(self):
        self.dataset.on_epoch_begin()

    def on_epoch_end(self):
        self.dataset.on_epoch_end()


class _Collated:
    """`collate_fn` of a PyTorch DataLoader that checks each batch."""

    def __init__(self, collate, readings):
        self.collate, self.readings = collate, readings

    def __call__(self, samples):
        return self.readings.batch(self.collate(samples))


def _listed(x):
    return x if isinstance(x, (list, tuple)) else [x]


def _is_named(x, package, name):
    """Whether `x` is an instance of this class, without an import of its package."""
    names = ((cls.__module__.split(".")[0], cls.__name__) for cls in type(x).__mro__)
    return (package, name) in names


def _unmasked_loss(losses):
    """Returns the name of a loss that NaN in the targets would make NaN, or None.

    These are the losses of Keras, and those of this library that have no `null_value`. The losses
    of users may ignore NaN.
    """
    for loss in keras.tree.flatten(losses):
        if isinstance(loss, str):
            return repr(loss)
        function = getattr(loss, "fn", loss)  # Keras wraps the loss functions of users
        function = getattr(function, "func", function)  # functools.partial
        named = function if isinstance(function, types.FunctionType) else type(function)
        package = named.__module__.split(".")[0]
        if package in ("keras", "stgkeras") and not hasattr(loss, "null_value"):
            return named.__name__
    return None
