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
            # Keras takes a list that a dataset gives for inputs and targets, as it does a tuple.
            is_pair = isinstance(data, (tuple, list))
            x, y = (*data, None)[:2] if is_pair else (data, None)
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
                f"{empty} of {windows} windows that were read hold no reading at all: the model "
                "takes all of their readings for the mean, or the seasonal mean. Leave them out.",
                stacklevel=stacklevel + 1,
            )

    def _check_inputs(self, x, key):
        named = x if isinstance(x, dict) else dict(zip(self.names, _listed(x), strict=False))
        signals = {}
        for name in set(named) & set(self.names):  # Keras leaves other keys out
            array = named[name]
            may_miss = self.takes_missing and name in SIGNALS
            array = self._check(name, array, may_miss, MISSING_INPUT)
            if may_miss and array is not None and array.size:
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
        array = _as_floats(array)
        if array is None:
            return None
        for part in pieces(array):
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
                values = np.asarray(array[part], "float32")
            if np.isfinite(values).all():
                continue
            infinite = np.isinf(values)
            if infinite.any():
                _refuse(name, part, infinite, "an infinite number", INFINITE)
            if not may_miss:
                _refuse(name, part, np.isnan(values), "NaN", remedy)
        return array

    def _of_tensorflow(self, dataset):
        import tensorflow as tf

        def through(*data):
            data = data if len(data) > 1 else data[0]
            flat = tf.nest.flatten(data)  # of tensors, and None where there is nothing
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
    "Fill or drop missing readings; in forecasters, a model with `normalize=True` or a `season` "
    "takes NaN in its signals for a missing reading."
)
MISSING_TARGET = (
    "Fill or drop missing readings, or compile with a loss that leaves them out, such as "
    "`stgkeras.losses.MaskedMeanAbsoluteError()`."
)
INFINITE = "Replace it: a missing reading is NaN."


def _as_floats(array):
    """The array in NumPy, of rank 1 at least; None for what is no array of floats."""
    if hasattr(array, "to_numpy"):  # of pandas
        array = array.to_numpy()
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        return None
    if _is_named(array, "torch", "Tensor"):
        array = array.detach().cpu()
        array = array.float().numpy() if array.is_floating_point() else None
    elif not isinstance(array, np.ndarray):
        is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(array.dtype))
        array = keras.ops.convert_to_numpy(array) if is_float else None
    if array is None or array.dtype.kind in "biuOSU":
        return None
    return np.atleast_1d(array)


def _refuse(name, part, found, what, remedy):
    place = np.argwhere(found)[0].tolist()
    place[0] += part.start
    raise ValueError(
        f"`{name}` must hold finite numbers. Received: {what} at {name}{place}, the first such "
        f"entry. {remedy}"
    )


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
        return self.readings.batch(self.collate(samples))


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
    loss = getattr(loss, "fn", loss)  # what Keras wraps a function of the user's in
    module = getattr(loss, "__module__", None) or type(loss).__module__
    return module.split(".")[0] == "keras"
