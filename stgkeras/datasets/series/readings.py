"""Readings of a series: arrays that are read in pieces, missing readings and quality masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real

import numpy as np

from stgkeras import arguments
from stgkeras.seasons import pieces


class InPieces:
    """Array (T, N, F) that is read some steps at a time, for series larger than the memory.

    Args:
        shape: (T, N, F).
        read: function that takes a slice or an int array of steps and returns (steps, N, F).
    """

    ndim = 3

    def __init__(self, shape: tuple[int, int, int], read: Callable[..., np.ndarray]) -> None:
        self.shape, self._read = shape, read
        self.size = math.prod(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, steps: slice | np.ndarray) -> np.ndarray:
        return self._read(steps)


def in_pieces(columns, shape):
    """Returns columns of numbers as `InPieces` (T, N, F).

    Args:
        columns: list of N · F arrays (T,), in the order of sensors and then of features.
        shape: (N, F).
    """

    def read(steps):
        found = np.stack([column[steps] for column in columns], axis=-1, dtype=np.float64)
        return found.reshape(-1, *shape)

    return InPieces((len(columns[0]), *shape), read)


def null_values(null_value, features):
    """Returns one `null_value` for each feature, as a tuple of float or None.

    Args:
        null_value: None or a number for all features, a dict of feature name → number or None, or
            a sequence of one number or None for each feature. Features that are not in the dict
            have None.
        features: sequence of F str.
    """
    if isinstance(null_value, Mapping):
        unknown = [name for name in null_value if name not in features]
        if unknown:
            raise ValueError(
                f"`null_value` must name features of the series, which are {tuple(features)}. "
                f"Received: null_value={dict(null_value)}, with {unknown[0]!r}. Correct the name."
            )
        found = tuple(null_value.get(name) for name in features)
    elif isinstance(null_value, (str, bytes)) or np.ndim(null_value) != 1:
        found = (null_value,) * len(features)
    else:
        found = tuple(null_value)
    if len(found) != len(features) or not all(_is_mark(mark) for mark in found):
        raise ValueError(
            "`null_value` must be None or a number, a dict of feature name → number or None, or "
            f"one number or None for each of the features {tuple(features)}. "
            f"Received: null_value={null_value!r}"
        )
    return tuple(None if mark is None else float(mark) for mark in found)


def _is_mark(mark):
    return mark is None or (isinstance(mark, (Real, np.bool_)) and not np.isinf(float(mark)))


def refuse_missing(values, null_value, where, features=None, quality=None):
    """Raises ValueError if `values` contain NaN in a feature without a `null_value`.

    Args:
        values: (T, N, F).
        null_value: None, a number, or tuple of F numbers or None, from `null_values`.
        where: as in `make_series`.
        features: sequence of F str, or None.
        quality: None, or mask (T, N, 1 or F). Readings with False may be NaN.
    """
    marks = _each(null_value, values.shape[2])
    strict = [i for i, mark in enumerate(marks) if mark is None]
    if not strict:
        return
    fix = "null_value=np.nan"
    if len(strict) < len(marks) and features is not None:
        given = ", ".join(
            f"{name!r}: {'np.nan' if mark is None or np.isnan(mark) else f'{mark:g}'}"
            for name, mark in zip(features, marks, strict=True)
        )
        fix = f"null_value={{{given}}}"
    checked = values
    if len(strict) < len(marks) or quality is not None:

        def read(steps):
            part = np.array(values[steps], np.float64)
            part[..., [i for i in range(len(marks)) if i not in strict]] = 0
            return part if quality is None else np.where(quality[steps], part, 0)

        checked = InPieces(values.shape, read)
    refuse_nan(
        f"{where} must not hold NaN",
        checked,
        f"If these readings are missing, pass `{fix}`, otherwise correct them",
    )


def mark_missing(values, null_value, quality=None, digits=None):
    """Returns a float32 copy of the values with NaN in place of missing readings.

    A float32 memory map without a reading to replace is returned without a copy.

    Args:
        values: (T, N, F).
        null_value, quality: as in `refuse_missing`.
        digits: None, or `LostDigits` that compares the values with the copy.
    """
    marks = _each(null_value, values.shape[2])
    plain = quality is None and all(mark is None or np.isnan(mark) for mark in marks)
    if isinstance(values, np.memmap) and values.dtype == np.float32 and plain:
        return values
    found = np.empty(values.shape, np.float32)
    for piece in pieces(values):
        read = marked(
            np.array(values[piece], np.float64), marks, None if quality is None else quality[piece]
        )
        found[piece] = read
        if digits is not None:
            digits.add(read, found[piece])
    return found


def marked(values, marks, quality=None):
    """Replaces missing readings of float values (..., F) by NaN, in place.

    Args:
        values: (..., F) floats.
        marks: tuple of F numbers or None.
        quality: None, or bool (..., 1 or F), False at missing readings.
    """
    for i, mark in enumerate(marks):
        if mark is not None and not np.isnan(mark):
            feature = values[..., i]
            feature[feature == mark] = np.nan
    if quality is not None:
        values[~np.broadcast_to(quality, values.shape)] = np.nan
    wrong = np.abs(values) > np.finfo(np.float32).max
    if wrong.any():
        raise ValueError(
            "Readings must be finite numbers of float32. Received: "
            f"{np.count_nonzero(wrong)} others, the first {values[wrong][0]}. If these readings "
            "are missing, replace them by NaN and pass `null_value=np.nan`."
        )
    return values


def _each(null_value, width):
    return null_value if isinstance(null_value, tuple) else (null_value,) * width


def quality_mask(quality, shape):
    """Returns a quality mask as an array or `InPieces` (T, N, 1 or F) of bool, after checks.

    Args:
        quality: bool, or numbers 0 and 1, of shape (T, N), (T, N, 1) or (T, N, F).
        shape: (T, N, F) of the readings.
    """
    if hasattr(quality, "columns"):
        raise TypeError(
            "`quality` must be an array, because the columns of a frame may have another order. "
            "Received: a frame. Pass `quality.to_numpy()`, or frames to `from_pandas`."
        )
    given = quality
    if not isinstance(given, InPieces):
        given = np.asarray(arguments.entries("quality", quality))
    if given.ndim == 2:
        given = given[..., None]
    if tuple(given.shape) not in ((*shape[:2], 1), tuple(shape)):
        raise ValueError(
            f"`quality` must have shape {tuple(shape[:2])} or {tuple(shape)}, one value for each "
            f"reading. Received: shape={tuple(np.shape(quality))}"
        )
    mask = InPieces(given.shape, lambda steps: np.asarray(given[steps]) == 1)
    if getattr(given, "dtype", None) == np.bool_:
        return mask
    for piece in pieces(given):
        part = np.asarray(given[piece])
        wrong = np.argwhere((part != 0) & (part != 1))
        if len(wrong):
            place = (piece.start + int(wrong[0, 0]), *wrong[0, 1:].tolist())
            raise ValueError(
                "`quality` must hold only True (or 1) at good readings and False (or 0) at bad "
                f"readings. Received: {part[tuple(wrong[0])].item()!r} at {place}. Compare it "
                "first, for example `quality > 50`."
            )
    return mask


def means(values, starts):
    """Computes the means of the rows from each start to the next, without NaN."""
    present = ~np.isnan(values)
    counts = np.add.reduceat(present, starts, axis=0, dtype=np.int64)
    sums = np.add.reduceat(np.where(present, values, 0), starts, axis=0)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def refuse_nan(rule, array, fix):
    """Raises ValueError if `array` contains NaN. Reads the array in pieces, for memory maps."""
    count, first = 0, None
    for piece in pieces(array):
        where = np.argwhere(np.isnan(array[piece]))
        if first is None and len(where):
            first = (piece.start + int(where[0, 0]), *where[0, 1:].tolist())
        count += len(where)
    if count:
        raise ValueError(
            f"{rule}. Received: {count} of {array.size} values, the first at {first}. {fix}."
        )
