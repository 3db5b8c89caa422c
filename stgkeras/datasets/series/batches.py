"""Batches of windows in an order of their own, and the workers that gather them ahead."""

import concurrent.futures
import threading

import keras
import numpy as np

from stgkeras.datasets.series.splits import checked_count


class Batches(keras.utils.PyDataset):
    """Batches of windows by their starts, in an order that depends on seed and epoch alone.

    A subclass gathers the windows of given starts in `gather(starts)`, or in `batch(starts, epoch)`
    if they depend on the epoch too.

    A pass is one run through all batches, of Keras or of a `for` loop. It keeps the epoch with
    which it began, and ends with its last batch, with the next pass, or where `epoch` is set.

    `workers` and the like stay here: the queue that Keras makes of them keeps batches that were
    gathered for one pass and gives them to the next. Keras therefore reads `workers` as 1.
    """

    def __init__(
        self,
        starts,
        batch_size,
        shuffle,
        seed,
        workers=1,
        use_multiprocessing=False,
        max_queue_size=10,
    ):
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
        super().__init__(
            checked_count("workers", workers, 0),
            bool(use_multiprocessing),
            checked_count("max_queue_size", max_queue_size, 1),
        )
        self.starts = starts
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self._lock = threading.Lock()
        self._pass, self._begins = None, False
        self.epoch = 0

    @property
    def workers(self):
        """1, for Keras; setting it sets the workers of the next pass."""
        return 1

    @workers.setter
    def workers(self, value):
        self._workers = checked_count("workers", value, 0)

    @property
    def use_multiprocessing(self):
        """False, for Keras; setting it makes the workers of the next pass processes."""
        return False

    @use_multiprocessing.setter
    def use_multiprocessing(self, value):
        self._use_multiprocessing = bool(value)

    @property
    def epoch(self):
        return self._epoch

    @epoch.setter
    def epoch(self, value):
        with self._lock:
            self._turn_to(int(value))
            self._end_pass()

    def __len__(self):
        return -(-len(self.starts) // self.batch_size)

    @property
    def num_batches(self):
        """`len(self)`. Keras and `for` loops read it before the first batch of each pass."""
        self._begins = True
        return len(self)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must lie in [0, {len(self)}). Received: index={index}")
        with self._lock:
            if self._begins:
                self._end_pass()
                self._pass = _Pass(self, self._order, self._epoch)
            elif self._pass is not None and index in self._pass.given:
                self._end_pass()
            if self._pass is None:
                task, part = self.batch, (self._part(self._order, index), self._epoch)
            else:
                task, part = self._pass.take(index)
                if len(self._pass.given) == len(self):
                    self._end_pass()
        return task(*part)

    def gather(self, starts):
        """The windows of some starts (B,): a tuple of inputs, targets and perhaps weights."""
        raise NotImplementedError

    def batch(self, starts, epoch):
        """The windows of some starts in an epoch."""
        return self.gather(starts)

    def on_epoch_end(self):
        with self._lock:
            self._turn_to(self._epoch + 1)
            # Nothing was given since `num_batches` was read: that was no beginning, but Keras
            # dropped the pass. Else it may go on, if Keras's epochs have fewer steps.
            if self._begins:
                self._end_pass()

    def _turn_to(self, epoch):
        self._epoch, self._order = epoch, self.starts
        if self.shuffle:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.starts)

    def _part(self, order, index):
        return order[index * self.batch_size : (index + 1) * self.batch_size]

    def _end_pass(self):
        if self._pass is not None:
            self._pass.close()
        self._pass, self._begins = None, False

    def __getstate__(self):
        return {**self.__dict__, "_lock": None, "_pass": None, "_begins": False}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.Lock())


class _Pass:
    """One run through all batches, with its order; workers gather those that come next."""

    def __init__(self, batches, order, epoch):
        self.given = set()
        self._batches, self._order, self._epoch = batches, order, epoch
        self._ahead = {}  # index -> Future
        self._executor, self._gather = None, batches.batch
        workers = batches._workers
        if workers and batches._use_multiprocessing:
            # Made anew for each pass: forked processes see the arrays as they are by then.
            self._gather = _gather
            self._executor = concurrent.futures.ProcessPoolExecutor(
                workers, initializer=_receive, initargs=(batches,)
            )
        elif workers > 1:
            self._executor = concurrent.futures.ThreadPoolExecutor(workers)

    def take(self, index):
        """Function and arguments that give a batch; asks the workers for those that follow."""
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
            return self._batches.batch, self._arguments(index)
        return found.result, ()

    def _submit(self, index):
        return self._executor.submit(self._gather, *self._arguments(index))

    def _arguments(self, index):
        return self._batches._part(self._order, index), self._epoch

    def close(self):
        if self._executor is not None:
            # What was handed out is waited for by its taker; the rest is dropped.
            for future in self._ahead.values():
                future.cancel()
            self._executor.shutdown(wait=False)


def _receive(batches):
    """Keeps what a worker process gathers from."""
    global _BATCHES
    _BATCHES = batches


def _gather(starts, epoch):
    return _BATCHES.batch(starts, epoch)
