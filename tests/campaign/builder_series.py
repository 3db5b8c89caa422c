"""Calendars and baselines of series, with loops in Python as the oracle."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from stgkeras import datasets
from tests.campaign import constructed
from tests.campaign.constructed import fault_of_numbers, some

N = 2
EXTRA = ("inputs", "targets")


def draws(rng):
    return np.random.default_rng(rng.getrandbits(32))


def clock(steps, per_day):
    """Time of day and day of the week of the steps of a series, from a Monday on."""
    return [(t % per_day / per_day, t // per_day % 7) for t in range(steps)]


def series(rng, steps):
    values = draws(rng).normal(50, 10, (steps, N, 1))
    if rng.random() < 0.4:
        values[draws(rng).random(values.shape) < 0.1] = np.nan
    return values


def target(function, valid, use, fixed=()):
    """A target of which `use` returns what is wrong."""
    return constructed.target(function, valid, use, lambda found, _: found, EXTRA, fixed)


# Calendars


def times(rng):
    start = datetime(2024, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23))
    steps = [start + timedelta(minutes=rng.choice((5, 60, 720)) * i) for i in range(30)]
    found = {"timestamps": np.array(steps, "datetime64[s]")}
    return found | some(
        rng,
        {
            "timezone": (None, "UTC", "Europe/Paris", "America/New_York", "+01:00"),
            "holidays": (None, [], ["2024-05-01"], "AT"),
        },
        0.4,
    )


def clocks(function, given, rng):
    found = function(**given)
    zone, holidays = given.get("timezone"), given.get("holidays")
    for row, time in zip(found, given["timestamps"].tolist(), strict=True):
        local = time
        if zone == "+01:00":
            local = time + timedelta(hours=1)
        elif zone is not None:
            local = time.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
        share = (local.hour * 3600 + local.minute * 60 + local.second) / 86400
        day = local.weekday()
        if isinstance(holidays, str):
            import holidays as package

            day = 6 if local.date() in package.country_holidays("AT") else day
        elif holidays is not None and local.date().isoformat() in [
            str(one)[:10] for one in holidays
        ]:
            day = 6
        if abs(row[0] - share) > 1e-6 or row[1] != day:
            return f"{row} for {time}, {zone}: {share}, {day}"
    return None


# Baselines


def windows(rng, steps):
    length, horizon = rng.randint(1, 5), rng.randint(1, 3)
    starts = np.array([rng.randint(steps // 2, steps - length - horizon) for _ in range(4)])
    return {"starts": starts, "input_length": length, "horizon": horizon}


def plain(rng):
    steps = rng.randint(40, 80)
    return {"values": series(rng, steps), **windows(rng, steps)}


def each_target(given):
    """Yields window, step ahead and step of the series of all targets."""
    for w, start in enumerate(np.asarray(given["starts"]).tolist()):
        for h in range(given["horizon"]):
            yield w, h, start + given["input_length"] + h


def repeated(function, given, rng):
    found, values = function(**given), np.asarray(given["values"], float)
    for w, h, step in each_target(given):
        last = step - h - 1
        for n in range(values.shape[1]):
            known = [t for t in range(last + 1) if not np.isnan(values[t, n, 0])]
            expected = values[known[-1], n, 0] if known else np.nan
            if not np.isclose(found[w, h, n, 0], expected, equal_nan=True):
                return f"{found[w, h, n, 0]} instead of {expected}"
    return None


def lagged(function, given, rng):
    found, values = function(**given), np.asarray(given["values"])
    expected = np.empty_like(found)
    for w, h, step in each_target(given):
        expected[w, h] = values[step - given["lag"]]
    return fault_of_numbers(found, expected)


def daily(rng, days=(15, 20)):
    per_day = rng.choice((4, 6))
    steps = per_day * rng.randint(*days)
    found = {"values": series(rng, steps), "calendar": np.array(clock(steps, per_day))}
    return {**found, **windows(rng, steps), "steps_per_day": per_day}


def slot_means(given, num_train):
    """The mean of each time and kind of day as {(weekend, time): (N, F)}, without missing ones."""
    values, per_day = np.asarray(given["values"], float), given["steps_per_day"]
    found = {}
    for weekend in (False, True):
        for time in range(per_day):
            rows = [
                t
                for t in range(num_train)
                if t % per_day == time and (t // per_day % 7 >= 5) == weekend
            ]
            count = (~np.isnan(values[rows])).sum(axis=0)
            total = np.nansum(values[rows], axis=0)
            found[weekend, time] = np.where(count, total / np.maximum(count, 1), np.nan)
    return found


def slot_of(step, per_day):
    return step // per_day % 7 >= 5, step % per_day


def averaged(function, given, rng):
    found, expected = function(**given), slot_means(given, given["num_train"])
    for w, h, step in each_target(given):
        wanted = expected[slot_of(step, given["steps_per_day"])]
        if not np.isnan(wanted).any() and not np.allclose(found[w, h], wanted):
            return f"{found[w, h]} instead of {wanted}"
    return None


def ridge_arguments(rng):
    found = daily(rng)
    last = len(found["values"]) - found["input_length"] - found["horizon"]
    return {**found, "train": np.arange(last - 5), **some(rng, {"alpha": (0.5, 1, 10.0)})}


def regressed(function, given, rng):
    found = function(**given)
    values, length = np.asarray(given["values"], float)[..., 0], given["input_length"]
    train = np.asarray(given["train"])
    means = slot_means(given, int(train.max()) + length + given["horizon"])
    season = np.stack([means[slot_of(t, given["steps_per_day"])][:, 0] for t in range(len(values))])
    if np.isnan(season).any():
        return None
    rest = np.nan_to_num(values - season)
    for n in range(values.shape[1]):
        x = np.stack([rest[s : s + length, n] for s in train])
        y = np.stack([rest[s + length : s + length + given["horizon"], n] for s in train])
        mean, level = x.mean(axis=0), y.mean(axis=0)
        gram = (x - mean).T @ (x - mean) + given.get("alpha", 1.0) * np.eye(length)
        slope = np.linalg.solve(gram, (x - mean).T @ (y - level))
        for w, start in enumerate(np.asarray(given["starts"]).tolist()):
            forecast = (rest[start : start + length, n] - mean) @ slope + level
            ahead = np.arange(start + length, start + length + given["horizon"])
            wrong = fault_of_numbers(found[w, :, n, 0], forecast + season[ahead, n], 1e-6)
            if wrong:
                return wrong
    return None


def whole_days(rng):
    found = daily(rng)
    return {name: found[name] for name in ("values", "calendar", "steps_per_day")}


def left_out(function, given, rng):
    found = function(**given)
    values, per_day = np.asarray(given["values"], float), given["steps_per_day"]
    everything = slot_means(given, len(values))
    for t in range(len(values)):
        others = values.copy()
        day = t // per_day
        others[day * per_day : (day + 1) * per_day] = np.nan
        rest = [
            others[i]
            for i in range(len(values))
            if slot_of(i, per_day) == slot_of(t, per_day) and not np.isnan(others[i]).all()
        ]
        for n in range(values.shape[1]):
            kept = [row[n, 0] for row in rest if not np.isnan(row[n, 0])]
            expected = everything[slot_of(t, per_day)][n, 0] - np.mean(kept) if kept else 0.0
            if not abs(found[t, n, 0] - np.nan_to_num(expected)) < 1e-3:
                return f"{found[t, n, 0]} instead of {expected} at step {t}, node {n}"
    return None


TARGETS = (
    target(datasets.calendar, times, clocks),
    target(datasets.last_value, plain, repeated),
    target(datasets.same_time, lambda rng: {**plain(rng), "lag": rng.randint(3, 20)}, lagged),
    target(
        datasets.historical_mean,
        lambda rng: {**daily(rng), "num_train": rng.randint(40, 60)},
        averaged,
    ),
    target(datasets.residual_ridge, ridge_arguments, regressed),
    target(datasets.leave_one_day_out, whole_days, left_out),
)
