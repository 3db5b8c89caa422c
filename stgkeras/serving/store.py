"""The readings that a service has received, in a file of SQLite."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

SCHEMA = """
CREATE TABLE IF NOT EXISTS columns (number INTEGER PRIMARY KEY, sensor TEXT, feature TEXT);
CREATE TABLE IF NOT EXISTS steps (time INTEGER PRIMARY KEY, readings BLOB NOT NULL);
"""
BEGIN = "BEGIN IMMEDIATE"  # no other process writes between what is read and what is written


# What other programs, rights and full disks cause, in files that may be right.
NOT_READY = (
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR),
)


class Store:
    """A table of readings with a row for each step. One thread uses it at a time.

    A row has the time of the step, see `Observed.moment`, and float32 numbers, one for each
    (sensor, feature) in the table `columns`. Missing readings are NaN, also those of columns that
    came later. `add` returns when the rows are on the disk: a process that is killed at any moment
    leaves all rows of a call of `add`, or none.

    Args:
        path: path of the file, which is created if it does not exist.
        columns: (sensor, feature) pairs in the order of the readings.

    Raises:
        ValueError: if the file is no store, is damaged, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[tuple[str, str]]) -> None:
        self._path = os.fspath(path)
        with self._usable():
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.executescript(SCHEMA)
                self.take_columns(columns)
                self.newest(1)
            except (sqlite3.Error, ValueError):
                self.close()
                raise

    def take_columns(self, columns: Sequence[tuple[str, str]]) -> None:
        """Sets the order of the readings. Columns that the file does not have are added to it."""
        known = "SELECT sensor, feature, number FROM columns"
        numbers = {(sensor, feature): n for sensor, feature, n in self._connection.execute(known)}
        for pair in columns:
            numbers.setdefault(pair, len(numbers))
        rows = [(n, *pair) for pair, n in numbers.items()]
        with self._connection:
            self._connection.execute(BEGIN)
            self._connection.executemany("INSERT OR IGNORE INTO columns VALUES (?, ?, ?)", rows)
        self._order, self._width = np.array([numbers[pair] for pair in columns]), len(numbers)

    def add(self, rows: Iterable[tuple[int, np.ndarray]]) -> None:
        """Writes readings to the disk. Missing ones do not replace those that are there.

        Args:
            rows: pairs of a time and the readings (columns,), which may have the same time.
        """
        with self._connection:  # commits, or rolls back after an error
            self._connection.execute(BEGIN)
            for time, readings in rows:
                whole = self._row(time)
                present = ~np.isnan(readings)
                whole[self._order[present]] = readings[present]
                self._connection.execute(
                    "INSERT OR REPLACE INTO steps VALUES (?, ?)", (time, whole.tobytes())
                )

    def newest(self, count: int) -> list[tuple[int, np.ndarray]]:
        """Returns the last steps that have readings, at most `count`, in the order of time."""
        with self._usable():
            found = self._connection.execute(
                "SELECT time, readings FROM steps ORDER BY time DESC LIMIT ?", (count,)
            )
            return [(time, self._whole(blob)[self._order]) for time, blob in found][::-1]

    def size(self) -> int:
        """Returns the number of steps."""
        return self._connection.execute("SELECT count(*) FROM steps").fetchone()[0]

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        """Turns errors of SQLite into a ValueError that says what to do with the file."""
        try:
            yield
        except sqlite3.Error as error:
            must, fix = "that `stgkeras serve` wrote", "Move the file away."
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in NOT_READY:
                must = "that can be written"
                fix = "Check the rights of its folder, and end other programs that use the file."
            raise ValueError(
                f"The file of readings must be one {must}. Received: {self._path!r}: {error}. {fix}"
            ) from error

    def _row(self, time):
        found = self._connection.execute("SELECT readings FROM steps WHERE time = ?", (time,))
        row = found.fetchone()
        return self._whole(b"" if row is None else row[0])

    def _whole(self, blob):
        """Returns the numbers of a row, with NaN for columns that came later."""
        if not isinstance(blob, bytes) or len(blob) % 4 or len(blob) > 4 * self._width:
            raise sqlite3.DataError("the readings of a step are not float32 numbers of its columns")
        values = np.full(self._width, np.nan, "<f4")
        found = np.frombuffer(blob, "<f4")
        values[: len(found)] = found
        return values
