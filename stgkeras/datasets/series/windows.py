"""Windows of a series in batches, for training, evaluation and prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.batches import Batches
from stgkeras.datasets.series.component_clock import ComponentClock
from stgkeras.datasets.series.mapped_rows import gather_rows
from stgkeras.datasets.series.readings import refuse_nan
from stgkeras.datasets.series.splits import history, reach, read_steps
from stgkeras.datasets.series.starts import checked_starts
from stgkeras.seasons import PERIODS, check_calendar, check_steps_per_day, pieces
from stgkeras.types import Array


class Windows(Batches):
    """Keras dataset of windows of a series, in batches.

    The arrays are stored once. Each batch is copied from them when it is needed.

    Pass `shuffle=False` to `fit`. By default `fit` also shuffles the batches, with the global
    random state of Python. With `shuffle=False`, the order depends on `seed` and `epoch` alone.

    Args:
        inputs: array (T, …) of any numeric dtype, or dict of such arrays, for example
            `{"x": (T, N, F), "graph": (T, N, N)}`. Not copied: a memory map stays on disk and is
            read in pieces.
        targets: array (T, …). May be the same array as `inputs`.
        starts: int array. First step of each window.
        input_length: int or dict. Number of input steps L. A dict gives the numbers of steps of
            several components, for example `{"recent": 24, "daily": 12, "weekly": 24}`. "recent"
            are the steps directly before the target steps; the window starts there. "daily" and
            "weekly" are the steps at the same time of day, some days or weeks before the target
            steps. With a `clock`, this is the same local time; without it, a whole number of days
            of 24 hours before. The numbers of daily and weekly steps are multiples of the horizon.
        horizon: int or None. Number of target steps H. None: the next step, without a time axis.
        batch_size: int. Number of windows in a batch, of all processes together.
        shuffle: bool. Whether to shuffle the windows in each epoch.
        seed: int ≥ 0. Seed of the shuffling.
        calendar: None, or (T, 2) array, `Series.calendar` or `datasets.calendar`. The rows of the
            target steps become inputs.
        past_calendar: None, or the same (T, 2) array, for a model with `past_calendar=True`. The
            rows of the input steps become inputs; with several components, of the recent steps
            first, then of the daily and the weekly steps.
        clock: None, or the same (T, 2) array, for a model with several components and without a
            season. It is not an input of the model. Default: `past_calendar` or `calendar`.
        past_covariates: None, or (T, P) or (T, N, P) array: P numbers that are known up to now,
            such as measured rain, of all nodes or of each node. The rows of the input steps become
            inputs (B, L, N, P), in the order of `past_calendar`. NaN is refused.
        future_covariates: None, or (T, C) or (T, N, C) array: C numbers that are known ahead, such
            as a weather forecast, holidays or tariffs. The rows of the target steps become inputs
            (B, H, N, C). NaN is refused.
        steps_per_day: int. Number of steps of the series in a day, for daily and weekly
            components.
        missing: bool. Whether NaN marks a missing reading. NaN then stays in the batches.
        shift: None, or (T, …) array from `leave_one_day_out`, for training. `shift[t]` is added to
            the inputs and targets of step t. The daily and weekly components get the shift of the
            target steps at the same time of day. `inputs` and `targets` must have the shape of
            `shift`, or contain only the first features of `shift`.
        shard: None, or a pair (index, count), for training in several processes: this process reads
            the part `index` of `count` equal parts of each batch. The batches, and their order, are
            those of a single process. None: that of the running process, if `torch.distributed` or
            `jax.distributed` runs several.
        last: "keep", "drop" or "fill": what becomes of a last batch with too few windows. It is
            smaller, left out, or filled with windows whose targets are NaN, which masked losses
            and metrics ignore ("fill" needs `missing=True`). Default: "keep"; if several processes
            or devices share a batch, "fill".
        **kwargs: `workers`: int, number of threads that prepare the next batches while the model
            runs. `use_multiprocessing`: bool, whether to use processes instead of threads.
            `max_queue_size`: int, largest number of batches prepared in advance. These arguments
            do not change the order of the windows.

    Returns:
        Batches `(x, y)`, float32: x (B, L, …) or a dict of such arrays, y (B, H, …) or (B, …).
        With components x is `{"recent": …, "daily": …}`, with a calendar
        `{"x": …, "calendar": …}`, with a past calendar also `"past_calendar"`, and so on.

        Without `past_calendar`, a warning counts the windows in which a model with a season would
        use the season of another hour or kind of day.

        To resume a run with the same order of windows, set `windows.epoch = i` before
        `fit(…, initial_epoch=i)`. The attribute `epoch` determines the order and increases by one
        in `on_epoch_end`. Keras also calls `on_epoch_end` once when `fit` begins. If
        `steps_per_epoch` is smaller than the number of batches, the next epoch of Keras continues
        with the remaining batches.

    Raises:
        TypeError: if an array does not hold real numbers.
        ValueError: if lengths differ, a start is out of range, or a value is NaN while `missing`
            is False; if processes or devices cannot share the batches equally; or if a daily or
            weekly step is outside the series, not before the target steps, or at another local time
            or day of the week than its target step.

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
        inputs: Array | dict[str, Any],
        targets: Array,
        starts: Array,
        *,
        input_length: int | dict[str, int],
        horizon: int | None,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        calendar: Array | None = None,
        steps_per_day: int | None = None,
        missing: bool = False,
        shift: Array | None = None,
        past_calendar: Array | None = None,
        clock: Array | None = None,
        past_covariates: Array | None = None,
        future_covariates: Array | None = None,
        shard: tuple[int, int] | None = None,
        last: str | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(inputs, dict) and not (inputs and all(isinstance(n, str) for n in inputs)):
            raise ValueError(
                "`inputs` must be an array, or a dict of name → array. Received: a dict of "
                f"{list(inputs)}. Pass at least one array, with a str as name."
            )
        named: dict[str, Any] = inputs if isinstance(inputs, dict) else {"inputs": inputs}
        named = {name: arguments.array(name, data) for name, data in named.items()}
        self.inputs = named if isinstance(inputs, dict) else named["inputs"]
        self.targets = arguments.array("targets", targets)
        given = {"calendar": calendar, "past_calendar": past_calendar, "clock": clock}
        given |= {"shift": shift}
        covariates = {"past_covariates": past_covariates, "future_covariates": future_covariates}
        given |= covariates
        arrays = {n: arguments.array(n, array) for n, array in given.items() if array is not None}
        self.calendar, self.past_calendar = arrays.get("calendar"), arrays.get("past_calendar")
        self.shift = arrays.get("shift")
        self.covariates = {name: arrays[name] for name in covariates if name in arrays}
        missing = arguments.boolean("missing", missing)
        _check_arrays([*named.items(), *arrays.items(), ("targets", self.targets)], missing)
        _check_covariates(self.covariates, self.targets, horizon)
        if isinstance(inputs, dict) and shift is not None:
            raise ValueError(
                "`inputs` must be one array if there is a `shift`. "
                f"Received: a dict of {sorted(inputs)}. Pass an array, or omit `shift`."
            )
        if isinstance(inputs, dict) and isinstance(input_length, dict):
            raise ValueError(
                "`inputs` must be one array if `input_length` is a dict of components. "
                f"Received: a dict of {sorted(inputs)}. Pass an array, or an int `input_length`."
            )
        self.input_length, self.horizon, self.missing = input_length, horizon, missing
        if steps_per_day is not None:
            steps_per_day = arguments.integer("steps_per_day", steps_per_day)
        self._reads = read_steps(input_length, horizon, steps_per_day)
        self._recent = len(self._reads.get("recent", ()))
        past, span = history(self._reads), reach(input_length, horizon)
        starts = checked_starts(starts, len(self.targets), past, span)
        super().__init__(starts, batch_size, shuffle, seed, shard, last, **kwargs)
        self._clock = None
        found = [arrays[name] for name in ("clock", "past_calendar", "calendar") if name in arrays]
        if found:
            for array in found:
                check_calendar(array, len(self.targets), steps_per_day or 1, may_be_unknown=True)
            if steps_per_day is not None:
                check_steps_per_day(found[0], steps_per_day)
            self._clock = ComponentClock(found[0], self._reads, horizon, steps_per_day)
            self._clock.refuse_other_times(starts)
            if past_calendar is None and calendar is not None:
                self._clock.warn_of_other_seasons(starts)

    def _can_fill(self):
        return self.missing

    def missing_target(self) -> tuple[int, ...] | None:
        """Returns the place in `targets` of the first missing value that a window predicts."""
        if not self.missing or self.targets.dtype.kind != "f":
            return None
        predicted = np.zeros(len(self.targets), bool)
        for ahead in range(1 if self.horizon is None else self.horizon):
            predicted[self.starts + self._recent + ahead] = True
        for piece in pieces(self.targets):
            part = np.isnan(self.targets[piece])
            part &= predicted[piece].reshape(-1, *[1] * (part.ndim - 1))
            if part.any():
                step, *place = np.argwhere(part)[0].tolist()
                return piece.start + step, *place
        return None

    def gather(self, starts: np.ndarray) -> tuple:
        first = starts + self._recent  # (B,), the first step to predict
        ahead = first if self.horizon is None else first[:, None] + np.arange(self.horizon)
        if self._clock is None:
            read = {name: first[:, None] + steps for name, steps in self._reads.items()}  # (B, L)
        else:
            read = self._clock.read(first)
        if isinstance(self.inputs, dict):
            x = {name: gather_rows(data, read["recent"]) for name, data in self.inputs.items()}
        else:
            x = {
                name: self._shifted(self.inputs, steps, _hours(name, steps, ahead))
                for name, steps in read.items()
            }
            x = x if isinstance(self.input_length, dict) else x["recent"]
        more = {}
        past = np.concatenate([read[name] for name in PERIODS if name in read], axis=1)
        if self.calendar is not None:
            more["calendar"] = gather_rows(self.calendar, ahead)
        if self.past_calendar is not None:
            more["past_calendar"] = gather_rows(self.past_calendar, past)
        for name, data in self.covariates.items():
            rows = gather_rows(data, past if name == "past_covariates" else ahead)
            if rows.ndim == 3:  # the same for all nodes
                rows = np.repeat(rows[:, :, None], self.targets.shape[1], axis=2)
            more[name] = rows
        if more:
            x = {**(x if isinstance(x, dict) else {"x": x}), **more}
        return x, self._shifted(self.targets, ahead, ahead)

    def _shifted(self, data, steps, hours):
        """Returns the values at `steps`, plus the shift at `hours` if there is one."""
        values = gather_rows(data, steps)
        if self.shift is None:
            return values
        return values + gather_rows(self.shift, hours)[..., : values.shape[-1]]


def _check_covariates(covariates, targets, horizon):
    for name, data in covariates.items():
        fits = data.ndim == 2 or (data.ndim == 3 and data.shape[1] == targets.shape[1])
        if not fits or targets.ndim < 2 or horizon is None:
            raise ValueError(
                f"`{name}` must have shape (T, covariates) or (T, nodes, covariates), for targets "
                f"(T, nodes, …) and a `horizon`. Received: {name}.shape={data.shape}, "
                f"targets.shape={targets.shape}, horizon={horizon}"
            )
        fix = "Fill them, for example with the last value that was known at that time"
        if data.dtype.kind == "f":
            refuse_nan(f"`{name}` must not hold NaN", data, fix)


def check_no_nan(name, array):
    """Raises ValueError if `array` contains NaN."""
    if array.dtype.kind == "f":
        fix = "Fill or drop them, or pass `missing=True` to leave them out of losses"
        refuse_nan(f"`{name}` must not hold NaN", array, fix)


def _hours(name, steps, ahead):
    """Returns the steps at which a component is shifted.

    These are the steps of the recent component, and the target steps for days and weeks.
    """
    if name == "recent":
        return steps
    ahead = ahead.reshape(len(ahead), -1)
    return np.tile(ahead, steps.shape[1] // ahead.shape[1])


def _check_arrays(arrays, missing):
    steps = [(name, *data.shape[:1]) for name, data in arrays]
    if len({data.shape[:1] for _, data in arrays}) > 1:
        *names, last = (f"`{name}`" for name, _ in arrays)
        raise ValueError(
            f"{', '.join(names)} and {last} must have equally many steps. Received: {steps}. Pass "
            "arrays of the same steps."
        )
    for name, data in arrays:
        if data.dtype.kind not in "biuf":
            raise TypeError(f"`{name}` must hold real numbers. Received: dtype={data.dtype}")
        if not missing:
            check_no_nan(name, data)
