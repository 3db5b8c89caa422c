"""Keras dataset of batches of windows: shuffled by seed and epoch, prepared by workers."""

from __future__ import annotations

import concurrent.futures
import threading

import keras
import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.shards import Shard


class Batches(keras.utils.PyDataset):
    """Keras dataset of windows in batches. The order depends on `seed` and `epoch` alone.

    A subclass returns the windows of given first steps in `gather(starts)`, or in
    `batch(starts, epoch)` if the windows depend on the epoch too.

    A pass is one run through all batches, by Keras or by a `for` loop. All batches of a pass
    belong to the same epoch. A pass ends after its last batch, when the next pass begins, or when
    `epoch` is set.

    This class runs its own workers, because the queue of Keras would return old batches of one
    pass in the next pass. Therefore `workers` is 1 when Keras reads it.

    Args:
        starts: (W,) int array. First step of each window.
        batch_size: int. Number of windows in a batch, of all processes together.
        shuffle: bool. Whether to shuffle the windows in each epoch.
        seed: int ≥ 0. Seed of the shuffling.
        shard, last: see `Shard`.
        workers: int ≥ 0. Number of threads or processes that prepare the next batches.
        use_multiprocessing: bool. Whether the workers are processes.
        max_queue_size: int ≥ 1. Largest number of batches prepared in advance.
    """

    def __init__(
        self,
        starts: np.ndarray,
        batch_size: int,
        shuffle: bool,
        seed: int,
        shard: tuple[int, int] | None = None,
        last: str | None = None,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> None:
        batch_size = arguments.integer("batch_size", batch_size)
        shuffle = arguments.boolean("shuffle", shuffle)
        seed = arguments.integer("seed", seed, minimum=0)
        super().__init__(
            arguments.integer("workers", workers, 0),
            arguments.boolean("use_multiprocessing", use_multiprocessing),
            arguments.integer("max_queue_size", max_queue_size, 1),
        )
        self.starts = starts
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self._shard = Shard(shard, last, batch_size, len(starts), self._can_fill())
        self._lock = threading.Lock()
        self._pass: _Pass | None = None
        self._begins = False
        self.epoch = 0

    @property
    def shard(self) -> tuple[int, int]:
        """Index of the process that reads these batches, and number of processes."""
        return self._shard.index, self._shard.count

    @property
    def last(self) -> str:
        """What becomes of the last, smaller batch: "keep", "drop" or "fill"."""
        return self._shard.last

    @property
    def num_windows(self) -> int:
        """Number of windows of this process in a pass, without those that fill a batch."""
        parts = (self._shard.part(self.starts, number) for number in range(len(self)))
        return sum(map(len, parts))

    @property
    def workers(self) -> int:
        """Always 1 when it is read. Setting it sets the number of workers of the next pass."""
        return 1

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = arguments.integer("workers", value, 0)

    @property
    def use_multiprocessing(self) -> bool:
        """Always False when it is read. Setting it sets the type of workers of the next pass."""
        return False

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = bool(value)

    @property
    def epoch(self) -> int:
        """Number of the epoch. `epoch` and `seed` determine the order of the windows."""
        return self._epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        with self._lock:
            self._turn_to(int(value))
            self._end_pass()

    def __len__(self) -> int:
        return self._shard.batches

    @property
    def num_batches(self) -> int:
        """`len(self)`. Keras and `for` loops read it before the first batch of each pass."""
        self._begins = True
        return len(self)

    def __getitem__(self, index: int) -> tuple:
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must lie in [0, {len(self)}). Received: index={index}")
        with self._lock:
            if self._begins:
                self._end_pass()
                self._pass = _Pass(self, self._order, self._epoch)
            elif self._pass is not None and index in self._pass.given:
                self._end_pass()
            if self._pass is None:
                task, part = self._filled, (self._shard.part(self._order, index), self._epoch)
            else:
                task, part = self._pass.take(index)
                if len(self._pass.given) == len(self):
                    self._end_pass()
        return task(*part)

    def gather(self, starts: np.ndarray) -> tuple:
        """Returns the inputs, the targets and, in some subclasses, the sample weights of windows.

        Args:
            starts: (B,) int array. First steps of the windows.
        """
        raise NotImplementedError

    def batch(self, starts: np.ndarray, epoch: int) -> tuple:
        """Returns the same tuple as `gather`, for windows that depend on the epoch."""
        return self.gather(starts)

    def on_epoch_end(self) -> None:
        """Increases `epoch` by one."""
        with self._lock:
            self._turn_to(self._epoch + 1)
            # If `_begins` is still set, Keras read `num_batches` but took no batch, so the pass
            # ends here. Otherwise the pass may continue in the next epoch of Keras, because
            # `steps_per_epoch` may be smaller than the number of batches.
            if self._begins:
                self._end_pass()

    def _turn_to(self, epoch):
        self._epoch, self._order = epoch, self.starts
        if self.shuffle:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.starts)

    def _can_fill(self):
        """Returns whether the targets of a window can be missing."""
        return False

    def _filled(self, starts, epoch):
        """Returns a batch. Copies of the first window, without targets, fill the last one."""
        missing = self._shard.missing(starts)
        if not missing:
            return self.batch(starts, epoch)
        batch = self.batch(np.append(starts, np.repeat(self.starts[:1], missing)), epoch)
        batch[1][len(starts) :] = np.nan
        return batch

    def _end_pass(self):
        if self._pass is not None:
            self._pass.close()
        self._pass, self._begins = None, False

    def __getstate__(self):
        return {**self.__dict__, "_lock": None, "_pass": None, "_begins": False}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.Lock())


class _Pass:
    """One run through all batches in a fixed order. Workers prepare the next batches."""

    def __init__(self, batches, order, epoch):
        self.given = set()
        self._batches, self._order, self._epoch = batches, order, epoch
        self._ahead = {}  # index -> Future
        self._executor, self._gather = None, batches._filled
        workers = batches._workers
        if workers and batches._use_multiprocessing:
            # Each pass starts new processes, so that the processes see the current arrays.
            self._gather = _gather
            self._executor = concurrent.futures.ProcessPoolExecutor(
                workers, initializer=_receive, initargs=(batches,)
            )
        elif workers > 1:
            self._executor = concurrent.futures.ThreadPoolExecutor(workers)

    def take(self, index):
        """Returns a function and arguments that compute a batch, and submits the next batches."""
        self.given.add(index)
        found = self._ahead.pop(index, None)
        if self._executor is not None:
            room = self._batches.max_queue_size - len(self._ahead)
            after = range(index + 1, min(index + 1 + room, len(self._batches)))
            new = [i for i in after if i not in self._ahead and i not in self.given]
            if found is None:
                found = self._submit(index)
            self._ahead |= {i: self._submit(i) for i in new}
        if found is None:
            return self._batches._filled, self._arguments(index)
        return found.result, ()

    def _submit(self, index):
        return self._executor.submit(self._gather, *self._arguments(index))

    def _arguments(self, index):
        return self._batches._shard.part(self._order, index), self._epoch

    def close(self):
        if self._executor is not None:
            # The caller of `take` waits for its own batch. All other batches can be cancelled.
            for future in self._ahead.values():
                future.cancel()
            self._executor.shutdown(wait=False)


def _receive(batches):
    """Keeps the dataset of a worker process."""
    global _BATCHES
    _BATCHES = batches


def _gather(starts, epoch):
    return _BATCHES._filled(starts, epoch)
