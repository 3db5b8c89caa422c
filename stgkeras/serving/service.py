"""A forecaster that takes readings in and always has the forecast after the newest ones."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stgkeras.forecasting import folder as files
from stgkeras.forecasting.live import observed_forecast
from stgkeras.forecasting.observed import Observed
from stgkeras.serving.answers import Answer
from stgkeras.serving.store import Store

REMEMBERED = 2016  # steps in which the last reading of a sensor is looked for after a restart
LOOKS = 2.0  # seconds between two looks for a new forecaster in the folder
FILES = (".json", ".npz", ".keras", ".onnx", ".h5")  # of a forecaster
AHEAD = {True: 3600.0, False: 14 * 3600.0}  # seconds; without a zone, the clock is not known


@dataclass
class Opened:
    """A forecaster, its newest readings, and what a map shows of it.

    Args:
        fitted: `Fitted` or `Preset`.
        observed: `Observed`.
        places: (N, 2) latitudes and longitudes, or None.
        edges: (E, 2) ints.
        stamp: what changes if the files of the folder are replaced.
    """

    fitted: Any
    observed: Observed
    places: np.ndarray | None
    edges: np.ndarray
    stamp: Any


@dataclass
class Counts:
    """What a service has done since it started, for `GET /metrics`."""

    steps: int = 0
    late: int = 0
    forecasts: int = 0
    forecast_seconds: float = 0.0
    reloads: int = 0
    failed_reloads: int = 0
    started: float = field(default_factory=time.time)


class Service:
    """Stores readings, and forecasts in the background. For one event loop of asyncio.

    One thread writes readings, another one forecasts, and the loop never waits for either.

    Args:
        folder: folder of a forecaster, or name of a preset.
        onnx: bool. Whether the model is the ONNX file in the folder.

    Raises:
        ValueError: if the forecaster cannot be opened or served.
    """

    def __init__(self, folder: str | os.PathLike[str], onnx: bool = False) -> None:
        self.folder, self.onnx = pathlib.Path(folder), onnx
        self.counts = Counts()
        found = self._load()
        form = found.observed.form
        place = pathlib.Path(os.path.abspath(self.folder))  # "." and ".." have no name
        self.store = Store(place.with_name(place.name + ".sqlite"), _columns(form))
        self.opened = self._filled(found)
        self._version = 0  # of the readings
        self.answer = self._forecast(0)
        self._writing, self._forecasting = (
            concurrent.futures.ThreadPoolExecutor(1) for _ in range(2)
        )
        self._task: asyncio.Task[None] | None = None

    async def take(self, steps: Sequence[tuple[Any, Any]]) -> int:
        """Stores readings, and returns when they are on the disk.

        Args:
            steps: pairs of a time and values, see `Forecaster.observe`.

        Returns:
            int, the number of steps that are too old for the next forecast.

        Raises:
            TypeError, ValueError: if a pair is invalid. Then none is stored.
        """
        late = await self._in(self._writing, self._write, steps)
        self.counts.steps += len(steps)
        self.counts.late += late
        self._version += 1
        self._renew()
        return late

    async def newest(self) -> Answer:
        """Returns the forecast after all readings that were stored before this call."""
        wanted = self._version
        while self.answer.version < wanted:
            await asyncio.shield(self._renew())
        return self.answer

    async def watch(self) -> None:
        """Opens the forecaster again whenever the files of its folder were replaced."""
        failed = None
        while True:
            await asyncio.sleep(LOOKS)
            stamp = self._stamp()
            if stamp in (None, self.opened.stamp, failed):
                continue
            try:
                found = await asyncio.to_thread(self._load)
                # Between two writes, so that no reading is left out.
                await self._in(self._writing, self._exchange, found)
            except Exception as error:  # the service goes on with the forecaster that it has
                failed = stamp
                self.counts.failed_reloads += 1
                print(f"The new forecaster cannot be served: {error}", file=sys.stderr)
                continue
            self.counts.reloads += 1
            self._version += 1
            self._renew()

    def close(self) -> None:
        """Ends the threads, and closes the file of readings."""
        self._writing.shutdown()
        self._forecasting.shutdown()
        self.store.close()

    def _write(self, steps):
        observed, rows = self.opened.observed, []
        latest = time.time() + AHEAD[observed.form.timezone is not None]
        for when, values in steps:
            moment = observed.moment(when)
            if observed.form.dated and observed.seconds(moment) > latest:
                raise ValueError(
                    f"`time` must not be in the future. Received: {observed.text(moment)}. Check "
                    "the clock of the sender."
                )
            rows.append((moment, observed.readings(values)))
        self.store.add((moment, readings.ravel()) for moment, readings in rows)
        return sum(not observed.put(*row) for row in rows)

    def _renew(self):
        """Starts to forecast, if that is not under way, and returns the task."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._forecast_newest())
        return self._task

    async def _forecast_newest(self):
        while self.answer.version < self._version:
            self.answer = await self._in(self._forecasting, self._forecast, self._version)

    def _forecast(self, version):
        start, opened = time.perf_counter(), self.opened
        try:
            made, error = observed_forecast(opened.fitted, opened.observed), ""
        except ValueError as reason:
            made, error = None, str(reason)
        answer = Answer(version, opened.observed, made, error)
        self.counts.forecasts += made is not None
        self.counts.forecast_seconds += time.perf_counter() - start
        return answer

    def _load(self):
        """Opens the forecaster, and forecasts once, so that the model is compiled."""
        stamp, fitted = self._stamp(), files.load(self.folder, self.onnx)
        form, model = fitted.form, fitted.model
        if form.past_covariates or form.future_covariates:
            raise ValueError(
                "`folder` must hold a forecaster without covariates. Received: "
                f"{str(self.folder)!r}, which needs "
                f"{', '.join(form.past_covariates + form.future_covariates)}. Serve one that was "
                "fitted without `covariates`."
            )
        if self.onnx:
            edges = model.edges
        else:
            from stgkeras.forecasting.graph import drawn_edges

            edges = drawn_edges(model)
        steps = form.input_length + fitted.earlier
        trial = Observed(form, steps)
        trial.put(trial.phase, np.zeros((len(form.names), len(form.features)), np.float32))
        for _ in range(1 if self.onnx else 2):  # PyTorch traces at the second call
            observed_forecast(fitted, trial)
        return Opened(fitted, Observed(form, steps), fitted.places, edges, stamp)

    def _filled(self, opened):
        """Puts the newest readings of the store into the ring buffer of a forecaster."""
        form = opened.observed.form
        shape = len(form.names), len(form.features)
        kept = self.store.newest(max(REMEMBERED, opened.observed.steps))
        for moment, readings in reversed(kept):  # the newest first, so that no row moves
            with contextlib.suppress(ValueError):  # a step of another interval
                opened.observed.put(opened.observed.checked(moment), readings.reshape(shape))
        return opened

    def _exchange(self, opened):
        self.store.take_columns(_columns(opened.observed.form))
        self.opened = self._filled(opened)

    def _stamp(self):
        """Returns the times and sizes of the files of the folder; None if there is no folder."""
        try:
            found = [one for one in os.scandir(self.folder) if one.name.endswith(FILES)]
            each = [(one.name, one.stat()) for one in found]
        except OSError:  # no folder, or its files are being replaced
            return None
        return sorted((name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in each)

    def _in(self, threads, function, *arguments):
        return asyncio.get_running_loop().run_in_executor(threads, function, *arguments)


def ages(observed: Observed) -> list[float | None]:
    """Returns the seconds since the last reading of each sensor; None if there is none.

    Without a time zone, the times are taken as local times of this computer. Without any times,
    the ages are numbers of steps.
    """
    seen = observed.last_seen()
    if not observed.form.dated:
        last = max((one for one in seen if one is not None), default=0)
        return [None if one is None else float(last - one) for one in seen]
    now = time.time() + (observed.form.timezone is None) * time.localtime().tm_gmtoff
    return [None if one is None else now - observed.seconds(one) for one in seen]


def _columns(form: Any) -> list[tuple[str, str]]:
    """Returns the (sensor, feature) pairs of a form, in the order of its readings."""
    return [(name, feature) for name in form.names for feature in form.features]
