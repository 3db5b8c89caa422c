"""Batches of windows of a series."""

import mmap

import numpy as np

from stgkeras.datasets.series.batches import Batches
from stgkeras.datasets.series.series import refuse_nan
from stgkeras.datasets.series.splits import history, reach, read_steps


class Windows(Batches):
    """Batches of windows, gathered from stored arrays only when they are asked for.

    Pass `shuffle=False` to `fit`: by default it shuffles the batches too, by Python's global
    random state. With it, the order depends on `seed` and `epoch` alone.

    Args:
        inputs: array (T, …), or dict of such: `{"x": (T, N, F), "graph": (T, N, N)}`. Of any
            numeric dtype; not copied, and a memory map stays one, read in pieces to look for NaN
            and then a batch at a time.
        targets: array (T, …). May be one of the inputs.
        starts: int array. First step of each window.
        input_length: int. Steps L that a window reads. Or a dict of components such as
            `{"recent": 24, "daily": 12, "weekly": 24}`: the last steps, and the hours of the
            forecast on the days and weeks before, of a multiple of the horizon in all. A window
            starts where its recent component does.
        horizon: int or None. Steps H that it predicts. None is the next step, without time axis.
        batch_size: int. Windows in a batch; the last batch may be smaller.
        shuffle: bool. Whether to reorder the windows in each epoch, by `seed`.
        seed: int ≥ 0.
        calendar: None, or (T, 2) of `calendar`, gathered at the steps to predict.
        steps_per_day: int, with days or weeks. Steps of the series in a day.
        missing: bool. Whether NaN stands for missing readings; they are passed on.
        shift: None, or (T, …) of `leave_one_day_out`, for training: added to what a window reads
            and predicts, to the days and weeks before that of the hours to predict. `inputs` and
            `targets` must be arrays of its shape, or hold its first features.
        **kwargs: `workers`, threads that gather the next batches while the model works on one, or
            processes if `use_multiprocessing`; `max_queue_size`, batches that they are ahead at
            most. Each epoch has the windows and the order that it has without them.

    Returns:
        Batches `(x, y)`, float32: x (B, L, …) or a dict of such, y (B, H, …) or (B, …). With
        components x is `{"recent": …, "daily": …}`, with a calendar `{"x": …, "calendar": …}`.
        The attribute `epoch` rises by one in `on_epoch_end`, which Keras also calls once as `fit`
        begins: its epoch i, from 0, has the order of `epoch` i + 1. Setting `windows.epoch = i`
        before `fit(…, initial_epoch=i)` resumes a run in the order it would have had. With
        `steps_per_epoch` below their number, batches go on from one of Keras's epochs to the next,
        in one order until all were given.

    Raises:
        ValueError: if lengths differ, a start is out of range, or a value is NaN and `missing` is
            not set.

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
        calendar=None,
        steps_per_day=None,
        missing=False,
        shift=None,
        **kwargs,
    ):
        named = inputs if isinstance(inputs, dict) else {"inputs": inputs}
        named = {name: np.asanyarray(data) for name, data in named.items()}
        self.inputs = named if isinstance(inputs, dict) else named["inputs"]
        self.targets = np.asanyarray(targets)
        self.calendar = None if calendar is None else np.asanyarray(calendar)
        named |= {} if calendar is None else {"calendar": self.calendar}
        self.shift = None if shift is None else np.asanyarray(shift)
        named |= {} if shift is None else {"shift": self.shift}
        _check_arrays([*named.items(), ("targets", self.targets)], missing)
        if isinstance(inputs, dict) and shift is not None:
            raise ValueError(
                "`inputs` must be one array if there is a `shift`. "
                f"Received: a dict of {sorted(inputs)}"
            )
        if isinstance(inputs, dict) and isinstance(input_length, dict):
            raise ValueError(
                "`inputs` must be one array if `input_length` is a dict of components. "
                f"Received: a dict of {sorted(inputs)}"
            )
        self.input_length, self.horizon = input_length, horizon
        self._reads = read_steps(input_length, horizon, steps_per_day)
        self._recent = len(self._reads.get("recent", ()))
        past, span = history(self._reads), reach(input_length, horizon)
        starts = checked_starts(starts, len(self.targets), past, span)
        super().__init__(starts, batch_size, shuffle, seed, **kwargs)

    def gather(self, starts):
        first = starts + self._recent  # (B,), the first step to predict
        ahead = first if self.horizon is None else first[:, None] + np.arange(self.horizon)
        read = {name: first[:, None] + steps for name, steps in self._reads.items()}  # (B, L)
        if isinstance(self.inputs, dict):
            x = {name: _gather(data, read["recent"]) for name, data in self.inputs.items()}
        else:
            x = {
                name: self._shifted(self.inputs, steps, _hours(name, steps, ahead))
                for name, steps in read.items()
            }
            x = x if isinstance(self.input_length, dict) else x["recent"]
        if self.calendar is not None:
            x = {
                **(x if isinstance(x, dict) else {"x": x}),
                "calendar": _gather(self.calendar, ahead),
            }
        return x, self._shifted(self.targets, ahead, ahead)

    def _shifted(self, data, steps, hours):
        """The readings of `steps`, with the shift of `hours`, of the same shape."""
        values = _gather(data, steps)
        if self.shift is None:
            return values
        return values + _gather(self.shift, hours)[..., : values.shape[-1]]


def check_no_nan(name, array):
    """Raises ValueError at NaN in `array`."""
    if array.dtype.kind == "f":
        fix = "fill or drop them, or pass `missing=True` to leave them out of losses"
        refuse_nan(f"`{name}` must not hold NaN", array, fix)


def _hours(name, steps, ahead):
    """The steps that a component stands for: its own, or on days and weeks before those ahead."""
    if name == "recent":
        return steps
    ahead = ahead.reshape(len(ahead), -1)
    return np.tile(ahead, steps.shape[1] // ahead.shape[1])


def _gather(data, steps):
    _read_ahead(data, steps)
    return data[steps].astype("float32", copy=False)


def _read_ahead(data, steps):
    """Asks the system for all rows of a memory map at once, and for no others.

    Else each window waits for the disk by itself, and brings in far more of the file than itself.
    """
    file = getattr(data, "_mmap", None)
    if not hasattr(file, "madvise") or data.strides[0] <= 0:
        return
    rows = np.unique(steps)
    gaps = np.diff(rows) > 1
    lows, highs = rows[np.append(True, gaps)], rows[np.append(gaps, True)] + 1  # runs of rows
    offset = _address(data) - _address(np.frombuffer(file, "uint8"))
    for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
        start = (offset + low * data.strides[0]) // mmap.PAGESIZE * mmap.PAGESIZE
        end = min(offset + high * data.strides[0], len(file))
        file.madvise(mmap.MADV_WILLNEED, start, end - start)


def _address(array):
    return array.__array_interface__["data"][0]


def _check_arrays(arrays, missing):
    steps = [(name, *data.shape[:1]) for name, data in arrays]
    if len({data.shape[:1] for _, data in arrays}) > 1:
        raise ValueError(f"`inputs` and `targets` must have equally many steps. Received: {steps}")
    for name, data in arrays:
        if data.dtype.kind not in "biuf":
            raise TypeError(f"`{name}` must hold real numbers. Received: dtype={data.dtype}")
        if not missing:
            check_no_nan(name, data)


def checked_starts(starts, num_steps, past, span):
    starts = np.asarray(starts)
    if starts.ndim != 1 or starts.size == 0 or starts.dtype.kind not in "iu":
        raise ValueError(
            "`starts` must be a one-dimensional array of ints with at least one window. "
            f"Received: shape={starts.shape}, dtype={starts.dtype}"
        )
    bad = np.flatnonzero((starts < past) | (starts > num_steps - span))
    if bad.size:
        back = f" and reaches {past} steps back" if past else ""
        raise ValueError(
            f"`starts` must lie in [{past}, {num_steps - span}]: a window takes {span} steps of "
            f"{num_steps}{back}. Received: starts[{bad[0]}]={starts[bad[0]]}"
        )
    return starts.astype(np.int64)
