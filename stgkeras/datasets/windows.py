"""Windows of a series: where they start in training, validation and test, and batches of them."""

from fractions import Fraction
from typing import NamedTuple

import keras
import numpy as np

PARTS = ("training", "validation", "test")


class Split(NamedTuple):
    """Window starts of the three parts, in time order: each an int array, rising."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_windows(num_steps, input_length, horizon, val=0.2, test=0.2, boundary="inside"):
    """Splits a series in time order: windows read steps `s … s+L-1`, predict `s+L … s+L+H-1`.

    Args:
        num_steps: int. Steps T of the series.
        input_length: int. Steps L that a window reads.
        horizon: int or None. Steps H that a window predicts; None is the single next step.
        val: share of the whole as a float in [0, 1), or a count as an int. 0 leaves it empty.
        test: likewise. Training gets the rest.
        boundary: `"inside"` cuts the *steps* in three; every window lies wholly in one part.
            `"start"` cuts the *windows*, W = T-L-H+1, by their first step, as many published
            splits do: windows near a cut share steps. Cuts lie at
            `floor(cumulative share * total)`.

    Returns:
        `Split(train, val, test)` of int arrays.

    Raises:
        ValueError: if the shares leave no training part, or a part is too short for a window.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_windows(40, input_length=3, horizon=2)
        >>> [(int(part[0]), int(part[-1])) for part in split]
        [(0, 19), (24, 27), (32, 35)]
    """
    reach = _reach(input_length, horizon)
    if boundary not in ("inside", "start"):
        raise ValueError(f'`boundary` must be "inside" or "start". Received: boundary={boundary!r}')
    total, unit, need = num_steps, "steps", reach
    if boundary == "start":
        total, unit, need = num_steps - reach + 1, "windows", 1
    if total < need:
        raise ValueError(
            f"`num_steps` must be at least input_length + horizon = {reach} for one window. "
            f"Received: num_steps={num_steps}"
        )
    edges = (0, *cut(total, val, test), total)
    parts = []
    for name, amount, low, high in zip(PARTS, (1, val, test), edges, edges[1:], strict=False):
        if amount and high - low < need:
            raise ValueError(
                f"The {name} part must hold at least {need} {unit}. Received: {high - low} {unit} "
                f"of {total} (val={val}, test={test}); give it more or shorten the windows."
            )
        parts.append(np.arange(low, max(low, high - need + 1)))
    return Split(*parts)


def training_steps(split, input_length, horizon):
    """Counts the leading steps that training windows touch: all that a scaler may be fitted on.

    Args:
        split: `Split`.
        input_length, horizon: as for `split_windows`.

    Returns:
        int.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_windows(40, 3, 2, boundary="start")
        >>> len(split.train), stgkeras.datasets.training_steps(split, 3, 2)
        (21, 25)
    """
    return int(np.max(split.train)) + _reach(input_length, horizon)


def cut(total, val, test):
    """Returns where validation and test begin among `total` things, training being first.

    Shares are read as the fractions that were meant, 0.2 as 1/5: no rounding error moves a cut.
    """
    amounts = []
    for name, value in (("val", val), ("test", test)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole and not isinstance(value, (float, np.floating)):
            raise TypeError(f"`{name}` must be an int or a float. Received: {name}={value!r}")
        if not value >= 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value}")
        meant = Fraction(float(value)).limit_denominator(10**9)
        amounts.append(Fraction(int(value), total) if whole else meant)
    if sum(amounts) >= 1:
        raise ValueError(
            f"`val` and `test` must leave something to train on. "
            f"Received: val={val}, test={test} of {total}"
        )
    return int((1 - sum(amounts)) * total), int((1 - amounts[1]) * total)


class Windows(keras.utils.PyDataset):
    """Batches of windows, gathered from stored arrays only when they are asked for.

    Pass `shuffle=False` to `fit`: by default it shuffles the batches too, by Python's global
    random state. With it, the order depends on `seed` and `epoch` alone.

    Args:
        inputs: array (T, …), or dict of such: `{"x": (T, N, F), "graph": (T, N, N)}`. Of any
            numeric dtype; not copied, and a memory map stays one.
        targets: array (T, …). May be one of the inputs.
        starts: int array. First step of each window.
        input_length: int. Steps L that a window reads.
        horizon: int or None. Steps H that it predicts. None is the next step, without time axis.
        batch_size: int. Windows in a batch; the last batch may be smaller.
        shuffle: bool. Whether to reorder the windows in each epoch, by `seed`.
        seed: int ≥ 0.
        **kwargs: `workers`, `use_multiprocessing`, `max_queue_size` of `keras.utils.PyDataset`.

    Returns:
        Batches `(x, y)`, float32: x (B, L, …) or a dict of such, y (B, H, …) or (B, …).
        The attribute `epoch` rises by one in `on_epoch_end`, which Keras also calls once as `fit`
        begins: its epoch i, from 0, has the order of `epoch` i + 1. Setting `windows.epoch = i`
        before `fit(…, initial_epoch=i)` resumes a run in the order it would have had.

    Raises:
        ValueError: if lengths differ, a start is out of range, or a value is NaN.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(20.0).reshape(20, 1, 1)
        >>> windows = stgkeras.datasets.Windows(
        ...     series, series, np.arange(10), input_length=3, horizon=2, batch_size=4)
        >>> x, y = windows[0]
        >>> len(windows), x.shape, y.shape
        (3, (4, 3, 1, 1), (4, 2, 1, 1))
        >>> x[1].ravel().tolist(), y[1].ravel().tolist()
        ([1.0, 2.0, 3.0], [4.0, 5.0])
    """

    def __init__(
        self,
        inputs,
        targets,
        starts,
        *,
        input_length,
        horizon,
        batch_size=32,
        shuffle=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        reach = _reach(input_length, horizon)
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
        named = inputs if isinstance(inputs, dict) else {"inputs": inputs}
        named = {name: np.asanyarray(data) for name, data in named.items()}
        self.inputs = named if isinstance(inputs, dict) else named["inputs"]
        self.targets = np.asanyarray(targets)
        _check_arrays([*named.items(), ("targets", self.targets)])
        self.starts = _checked_starts(starts, len(self.targets), reach)
        self.input_length, self.horizon = input_length, horizon
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.epoch = 0

    @property
    def epoch(self):
        return self._epoch

    @epoch.setter
    def epoch(self, value):
        self._epoch = int(value)
        self._order = self.starts
        if self.shuffle:
            self._order = np.random.default_rng((self.seed, self._epoch)).permutation(self.starts)

    def __len__(self):
        return -(-len(self.starts) // self.batch_size)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must lie in [0, {len(self)}). Received: index={index}")
        starts = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        reads = starts[:, None] + np.arange(self.input_length)  # (B, L)
        ahead = starts + self.input_length  # (B,)
        if self.horizon is not None:
            ahead = ahead[:, None] + np.arange(self.horizon)  # (B, H)
        x = keras.tree.map_structure(lambda data: _gather(data, reads), self.inputs)
        return x, _gather(self.targets, ahead)

    def on_epoch_end(self):
        self.epoch += 1


def check_no_nan(name, array):
    """Raises ValueError at NaN in `array`; reads a few rows at a time, for memory maps."""
    if array.dtype.kind != "f":
        return
    count, first = 0, None
    rows = max(1, (1 << 20) // max(1, array[:1].size))
    for low in range(0, len(array), rows):
        where = np.argwhere(np.isnan(array[low : low + rows]))
        if first is None and len(where):
            first = (low + int(where[0, 0]), *where[0, 1:].tolist())
        count += len(where)
    if count:
        raise ValueError(
            f"`{name}` must not hold NaN. Received: {count} of {array.size} values, the first at "
            f"{first}; fill or drop them first."
        )


def _reach(input_length, horizon):
    horizon = 1 if horizon is None else horizon
    for name, value in (("input_length", input_length), ("horizon", horizon)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"`{name}` must be an int of at least 1. Received: {name}={value!r}")
    return int(input_length) + int(horizon)


def _gather(data, steps):
    return data[steps].astype("float32", copy=False)


def _check_arrays(arrays):
    steps = [(name, *data.shape[:1]) for name, data in arrays]
    if len({data.shape[:1] for _, data in arrays}) > 1:
        raise ValueError(f"`inputs` and `targets` must have equally many steps. Received: {steps}")
    for name, data in arrays:
        if data.dtype.kind not in "biuf":
            raise TypeError(f"`{name}` must hold real numbers. Received: dtype={data.dtype}")
        check_no_nan(name, data)


def _checked_starts(starts, num_steps, reach):
    starts = np.asarray(starts)
    if starts.ndim != 1 or starts.size == 0 or starts.dtype.kind not in "iu":
        raise ValueError(
            "`starts` must be a one-dimensional array of ints with at least one window. "
            f"Received: shape={starts.shape}, dtype={starts.dtype}"
        )
    bad = np.flatnonzero((starts < 0) | (starts > num_steps - reach))
    if bad.size:
        raise ValueError(
            f"`starts` must lie in [0, {num_steps - reach}]: a window takes {reach} steps of "
            f"{num_steps}. Received: starts[{bad[0]}]={starts[bad[0]]}"
        )
    return starts.astype(np.int64)
