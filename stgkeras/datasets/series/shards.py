"""Which windows of each batch a process reads, and what becomes of the last, smaller batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras import arguments

LAST = ("keep", "drop", "fill")


class Shard:
    """The part of each batch that one of several processes reads.

    The first of `count` processes reads the first windows of each batch, and so on. The parts have
    equal sizes, so that together the processes read the batches of a single one.

    Args:
        shard: None, or a pair (index, count) of integers. None: that of the running engine.
        last: None, "keep", "drop" or "fill". None: "fill" with several processes or under a
            `keras.distribution`, else "keep".
        batch_size: int. Number of windows in a batch of all processes.
        windows: int. Number of all windows.
        can_fill: bool. Whether the targets of a window can be missing.
    """

    def __init__(
        self, shard: Any, last: str | None, batch_size: int, windows: int, can_fill: bool
    ) -> None:
        from stgkeras import _processes  # imports Keras

        own: tuple[int, int] = _processes.running() if shard is None else _checked(shard)
        self.index, self.count = own
        devices = max(_processes.batch_devices(), self.count)
        if batch_size % devices:
            raise ValueError(
                f"`batch_size` must be a multiple of {devices}, the number of devices or processes "
                f"that share a batch. Received: batch_size={batch_size}"
            )
        self.batch_size, self.size, left = (
            batch_size,
            batch_size // self.count,
            windows % batch_size,
        )
        if last is not None:
            arguments.one_of("last", last, LAST)
        self.last = last or ("keep" if devices == 1 else "fill")
        if self.last == "keep" and left % devices:
            raise ValueError(
                "`last` must be 'drop' or 'fill', because several devices or processes share each "
                f"batch. Received: last='keep', and a last batch of {left} windows"
            )
        if self.last == "fill" and left and not can_fill:
            raise ValueError(
                f"The last batch has {left} of {batch_size} windows, and windows without targets "
                "cannot fill it. Pass `last='drop'`; or `Windows(…, missing=True)` and a loss that "
                f"ignores missing readings. Received: {windows} windows, missing=False"
            )
        if self.last == "drop" and windows < batch_size:
            raise ValueError(
                "`batch_size` must be at most the number of windows with last='drop'. Received: "
                f"batch_size={batch_size}, {windows} windows"
            )
        self.batches = windows // batch_size if self.last == "drop" else -(-windows // batch_size)

    def part(self, order: np.ndarray, number: int) -> np.ndarray:
        """Returns the windows of this process in a batch: fewer in a last batch to be filled."""
        batch = order[number * self.batch_size : (number + 1) * self.batch_size]
        size = len(batch) // self.count if self.last == "keep" else self.size
        return batch[self.index * size : (self.index + 1) * size]

    def missing(self, part: np.ndarray) -> int:
        """Returns the number of windows without targets that fill a batch."""
        return self.size - len(part) if self.last == "fill" else 0


def _checked(shard):
    try:
        index, count = shard
    except (TypeError, ValueError):
        raise ValueError(
            "`shard` must be None or a pair (index, count), such as (0, 2) for the first of two "
            f"processes. Received: shard={shard!r}"
        ) from None
    count = arguments.integer("count of `shard`", count)
    index = arguments.integer("index of `shard`", index, 0)
    if index >= count:
        raise ValueError(
            f"The index of `shard` must lie in [0, {count}). Received: shard={shard!r}"
        )
    return index, count
