"""Splits of a series into windows, and the batches of windows."""

from fractions import Fraction

import numpy as np

from stgkeras import datasets
from tests.campaign.builder_series import clock, draws, plain, target
from tests.campaign.constructed import fault_of_numbers, some


def split_arguments(rng):
    steps = rng.randint(100, 160)
    found = {"num_steps": steps, "input_length": rng.randint(1, 6), "horizon": rng.choice((1, 3))}
    sizes = {"val": (0.2, 0, 0.1, 15, 0.25), "test": (0.2, 0, 0.3, 15)}
    found |= some(rng, {**sizes, "boundary": ("inside", "start")})
    if rng.random() < 0.3:
        mask = np.ones(steps, bool)
        mask[rng.randrange(20) : 20] = False
        found["complete"] = mask
    return found


def split(function, given, rng):
    found = function(**given)
    steps, length = given["num_steps"], given["input_length"]
    horizon = 1 if given["horizon"] is None else given["horizon"]
    span = length + horizon
    starts = given.get("boundary", "inside") == "start"
    total = steps - span + 1 if starts else steps
    parts = []
    for name in ("val", "test"):
        size = given.get(name, 0.2)
        whole = isinstance(size, (int, np.integer))
        parts.append(Fraction(int(size), total) if whole else Fraction(str(size)))
    edges = [0, int((1 - sum(parts)) * total), int((1 - parts[1]) * total), total]
    for part, low, high in zip(found, edges[:-1], edges[1:], strict=True):
        wanted = [s for s in range(low, high if starts else high - span + 1)]
        if given.get("complete") is not None:
            mask = np.asarray(given["complete"])
            wanted = [s for s in wanted if mask[s + length : s + span].any()]
        if part.tolist() != wanted:
            return f"{part} instead of {wanted}"
    return None


def steps_arguments(rng):
    given = {"input_length": rng.randint(1, 5), "horizon": rng.choice((1, 2, None))}
    return {"split": datasets.split_windows(60, **given), **given}


def number_of_steps(function, given, rng):
    found = function(**given)
    horizon, length = given["horizon"] or 1, given["input_length"]
    train = given["split"][0] if isinstance(given["split"], tuple) else given["split"]
    length = length.get("recent", 0) if isinstance(length, dict) else length
    expected = int(np.max(train)) + length + horizon
    return None if found == expected else f"{found} instead of {expected}"


def batch_arguments(rng):
    found = plain(rng)
    values = found.pop("values").astype("float32")
    steps, per_day = len(values), 4
    found.update(inputs=values, targets=values, missing=bool(np.isnan(values).any()))
    found |= some(rng, {"batch_size": (1, 2, 32), "shuffle": (True, False), "seed": (0, 3)})
    if rng.random() < 0.3:
        found.update(calendar=np.array(clock(steps, per_day)), steps_per_day=per_day)
    return found


def batches(cls, given, rng):
    made = cls(**given)
    found = [made[i] for i in range(len(made))]
    starts = sorted(np.asarray(given["starts"]).tolist())
    length, values = given["input_length"], np.asarray(given["inputs"], "float32")
    horizon = 1 if given["horizon"] is None else given["horizon"]
    seen = []
    for x, y in found:
        rows = x["x"] if isinstance(x, dict) else x
        y = y[:, None] if given["horizon"] is None else y
        seen += [(r.tobytes(), t.tobytes()) for r, t in zip(rows, y, strict=True)]
        if isinstance(x, dict) and x["calendar"].shape != (len(rows), horizon, 2):
            return f"calendar {x['calendar'].shape}"
    wanted = [
        (
            np.ascontiguousarray(values[s : s + length]).tobytes(),
            np.ascontiguousarray(values[s + length : s + length + horizon]).tobytes(),
        )
        for s in starts
    ]
    return None if sorted(seen) == sorted(wanted) else "other windows"


def newest_arguments(rng):
    """Hours from a Monday on, in which a day has 24 steps."""
    steps, values = rng.randint(30, 60), draws(rng).normal(50, 10, (60, 2, 1))
    values[draws(rng).random(values.shape) < rng.choice((0, 0.2))] = np.nan
    found = {"series": values[:steps], "horizon": rng.choice((1, 3)), "input_length": 4}
    dated = rng.random() < 0.6
    if dated:
        found["timestamps"] = np.datetime64("2024-01-01T00", "h") + np.arange(steps)
        found |= some(rng, {"calendar": (None, True, False), "past_calendar": (True, False)})
    if rng.random() < 0.3:
        found |= {"input_length": {"recent": 4, "daily": found["horizon"]}, "steps_per_day": 24}
        found["past_calendar"] = False
    return found


def newest(function, given, rng):
    found, values = function(**given), np.asarray(given["series"], "float32")
    steps, horizon = len(values), given["horizon"]
    found = found if isinstance(found, dict) else {"x": found}
    is_int = not isinstance(given["input_length"], dict)
    length = given["input_length"] if is_int else 4
    wanted = {"x": values[steps - length :]}
    if not is_int:
        wanted = {"recent": wanted["x"], "daily": values[steps - 24 : steps - 24 + horizon]}
    times = np.array(clock(steps + horizon, 24))
    dated = given.get("timestamps") is not None
    if given.get("calendar", dated) or (given.get("calendar") is None and dated):
        wanted["calendar"] = times[steps:]
    if given.get("past_calendar"):
        wanted["past_calendar"] = times[steps - length : steps]
    if set(found) != set(wanted):
        return f"inputs {set(found)} instead of {set(wanted)}"
    faults = (fault_of_numbers(found[name], wanted[name][None]) for name in wanted)
    return next((fault for fault in faults if fault), None)


TARGETS = (
    target(datasets.split_windows, split_arguments, split),
    target(datasets.training_steps, steps_arguments, number_of_steps),
    target(datasets.Windows, batch_arguments, batches),
    target(datasets.latest_window, newest_arguments, newest),
)
