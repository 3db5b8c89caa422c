"""NaN and infinite numbers in what a model is fitted to and predicts from: found before they enter.

Values are checked on the host, in arrays at once and in other data a batch at a time, because NaN
does not survive every backend's arithmetic.
"""

import copy
import types
import warnings

import keras
import numpy as np

from stgkeras.seasons import pieces

SIGNALS = ("x", "recent", "daily", "weekly")  # inputs of readings, of which some may be missing


class Readings:
    """Checks the data of one call of `fit`, `evaluate` or `predict`.

    Args:
        names: names of the model's inputs, in the order of its flat inputs.
        takes_missing: bool. Whether the model has a scaler, which takes NaN for a missing reading.
        loss: what the model was compiled with, or None.
    """

    def __init__(self, names, takes_missing, loss):
        self.names, self.takes_missing = names, takes_missing
        self.targets_may_miss = not _has_keras_loss(loss)
        self.error = None
        self.windows = {}  # by batch, since Keras reads some twice: how many, and how many empty

    def checked(self, x, y=None):
        """`x` and `y`, checked; data that come in batches are checked as these are read."""
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

    def batch(self, data, key=None):
        """`data`, one batch, after its check; `key` tells it from others, if it may come again."""
        try:
            x, y = (*data, None)[:2] if isinstance(data, tuple) else (data, None)
            self._check_inputs(x, len(self.windows) if key is None else key)
            for target in keras.tree.flatten(y):
                self._check("y", target, self.targets_may_miss, MISSING_TARGET)
        except ValueError as error:
            self.error = error  # TensorFlow wraps what is raised while it reads
            raise
        return data

    def warn(self, stacklevel):
        """Says how many windows had no reading at all."""
        windows, empty = np.sum([*self.windows.values(), (0, 0)], axis=0)
        if empty:
            warnings.warn(
                f"{empty} of {windows} windows that were read hold no reading at all: each is "
                "taken for readings at the mean, or at the season. Leave these windows out.",
                stacklevel=stacklevel + 1,
            )

    def _check_inputs(self, x, key):
        named = x if isinstance(x, dict) else dict(zip(self.names, _listed(x), strict=False))
        signals = {}
        for name, array in named.items():
            may_miss = self.takes_missing and name in SIGNALS
            array = self._check(name, array, may_miss, MISSING_INPUT)
            if may_miss and array is not None:
                signals[name] = array
        if signals:
            arrays = [array.reshape(len(array), -1) for array in signals.values()]
            # Few windows have no reading in their first numbers: only these are read on.
            empty = np.all([np.isnan(array[:, 0]) for array in arrays], axis=0)
            rows = np.flatnonzero(empty)
            if len(rows):
                rows = np.all([np.isnan(array[rows]).all(axis=1) for array in arrays], axis=0)
            self.windows[key] = len(empty), int(np.sum(rows))

    def _check(self, name, array, may_miss, remedy):
        """The array in NumPy, checked; None for what is no array of floats."""
        if not hasattr(array, "shape") or not hasattr(array, "dtype"):
            return None
        if not isinstance(array, np.ndarray):
            if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(array.dtype)):
                return None
            array = keras.ops.convert_to_numpy(array)
        if array.dtype.kind in "biuOSU":
            return None
        for part in pieces(array):
            values = array[part]
            if np.isfinite(values).all():
                continue
            numbers = np.asarray(values, "float32")
            infinite = np.isinf(numbers)
            if infinite.any():
                self._refuse(name, part, infinite, "an infinite number", INFINITE)
            if not may_miss:
                self._refuse(name, part, np.isnan(numbers), "NaN", remedy)
        return array

    def _refuse(self, name, part, found, what, remedy):
        place = np.argwhere(found)[0].tolist()
        place[0] += part.start
        number = int(found.sum())
        raise ValueError(
            f"`{name}` must hold finite numbers. Received: {what} at {name}{place}, the first of "
            f"{number} among the rows from {part.start} on. {remedy}"
        )

    def _of_tensorflow(self, dataset):
        import tensorflow as tf

        def check(*arrays):
            self.batch(tf.nest.pack_sequence_as(structure, [a.numpy() for a in arrays]))
            return np.int32(0)

        structure = dataset.element_spec

        def through(*data):
            data = data if len(data) > 1 else data[0]
            flat = tf.nest.flatten(data)
            done = tf.py_function(check, flat, tf.int32)
            with tf.control_dependencies([done]):
                return tf.nest.pack_sequence_as(structure, [tf.identity(array) for array in flat])

        return dataset.map(through)


MISSING_INPUT = (
    "Fill or drop missing readings; in forecasters, a model with `normalize=True` or a `season` "
    "takes NaN in its signals for a missing reading."
)
MISSING_TARGET = (
    "Fill or drop missing readings, or compile with a loss that leaves them out, such as "
    "`stgkeras.losses.MaskedMeanAbsoluteError()`."
)
INFINITE = "Replace it: a missing reading is NaN."


class _CheckedDataset(keras.utils.PyDataset):
    """A dataset whose batches are checked as they are read."""

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
    """A `collate_fn` of PyTorch's whose batches are checked."""

    def __init__(self, collate, readings):
        self.collate, self.readings = collate, readings

    def __call__(self, samples):
        batch = self.collate(samples)
        self.readings.batch(tuple(batch) if isinstance(batch, list) else batch)
        return batch


def _listed(x):
    return x if isinstance(x, (list, tuple)) else [x]


def _is_named(x, package, name):
    """Whether `x` is of a class of that package and name, without importing the package."""
    names = ((cls.__module__.split(".")[0], cls.__name__) for cls in type(x).__mro__)
    return (package, name) in names


def _has_keras_loss(loss):
    """Whether a loss of Keras's own is among those of a model: they have no use for NaN."""
    losses = keras.tree.flatten(loss)
    own = [item for item in losses if isinstance(item, str) or _of_keras(item)]
    return loss is not None and bool(own)


def _of_keras(loss):
    module = getattr(loss, "__module__", None) or type(loss).__module__
    return module.split(".")[0] == "keras"
