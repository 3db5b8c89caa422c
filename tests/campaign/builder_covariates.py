"""Covariates and attributes of a forecaster: aligned as pandas aligns them, or refused."""

import dataclasses
import os

import numpy as np
import pandas as pd

from stgkeras import Forecaster, datasets
from stgkeras.forecasting.covariates import covariate_inputs, described, with_covariates
from stgkeras.forecasting.form import Form
from tests.campaign.children import Input

ZONES = (None, "UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata")
STARTS = ("2024-03-29", "2024-10-25", "2024-11-01", "2024-06-01")
NAMES = ("007", "12", "B")
LENGTH, HORIZON = 3, 2


def readings(rng, zone):
    """Readings of some days, as a series."""
    times = pd.date_range(rng.choice(STARTS), periods=rng.randint(20, 300), tz=zone, freq="h")
    freq = rng.choice(("5min", "15min", "h", "2h"))
    times = pd.date_range(times[0], periods=len(times), freq=freq)
    names = list(NAMES[: rng.randint(1, 3)])
    values = np.random.default_rng(rng.getrandbits(32)).random((len(times), len(names)))
    edges = np.ones((len(names),) * 2) - np.eye(len(names))
    return datasets.from_pandas(pd.DataFrame(values, times, names), edges), times


def weather(rng, times):
    """A frame (times × covariates) that begins before the readings and ends after most of them."""
    zone = times.tz
    if zone is not None:
        zone = rng.choice((times.tz, times.tz, "UTC", "Asia/Tokyo"))
        times = times.tz_convert(zone)
    freq = rng.choice(("5min", "7min", "15min", "h", "3h", "D", "D"))
    first = times[0].normalize() - pd.Timedelta(days=rng.randint(0, 2))
    last = times[-1] + pd.Timedelta(hours=rng.choice((-30, -1, 0, 2, 30, 30, 30, 30)))
    if last < first + pd.Timedelta(days=2):
        last = first + pd.Timedelta(days=2)
    rows = pd.date_range(first, last, freq=freq)
    numbers = np.random.default_rng(rng.getrandbits(32)).normal(size=(len(rows), rng.randint(1, 3)))
    columns = ["rain", "temp (°C)", "wind"][: numbers.shape[1]]
    return pd.DataFrame(numbers.round(3), rows, columns)


def faulty(rng, frame):
    """The frame with a fault, or in another form of the same data."""
    n = rng.randrange(len(frame))
    changes = (
        lambda: frame.drop(frame.index[n]),
        lambda: frame.assign(rain=np.where(np.arange(len(frame)) == n, np.nan, frame["rain"])),
        lambda: frame.assign(rain=np.where(np.arange(len(frame)) == n, np.inf, frame["rain"])),
        lambda: pd.concat([frame, frame[n : n + 1]]),
        lambda: frame.assign(sky="grey"),
        lambda: frame.astype(object),
        lambda: frame[:n],
        lambda: frame[:0],
        lambda: frame[[]],
        lambda: frame.reset_index(drop=True),
        lambda: frame.rename(columns={"rain": NAMES[0]}),
        lambda: frame.astype("float16"),
        lambda: frame * 1e300,
        lambda: frame["rain"],
        lambda: frame.to_numpy(),
        lambda: {"rain": frame[["rain"]]},
        lambda: {"rain": frame["rain"]},
        lambda: {},
        lambda: n,
        lambda: "weather.txt",
    )
    return rng.choice(changes)()


def written(rng, frame, folder):
    """The path of a csv file of a frame."""
    path = os.path.join(folder, "weather.csv")
    german = rng.random() < 0.3
    style = {"sep": ";", "decimal": ","} if german else {}
    if frame.index.tz is None and german:
        frame = frame.set_axis(frame.index.strftime("%d.%m.%Y %H:%M"))
    frame.to_csv(path, index_label=rng.choice(("time", "Zeit", "datetime")), **style)
    return path


def expected(series, frame, interval):
    """The newest row that is not later than each step, and not older than the rows are apart."""
    zone = frame.index.tz
    steps = pd.DatetimeIndex(series.timestamps, tz=None if zone is None else "UTC").as_unit("ns")
    rows = frame.sort_index()
    rows = rows if zone is None else rows.tz_convert("UTC")
    rows.index = rows.index.as_unit("ns")
    found = pd.merge_asof(pd.DataFrame(index=steps), rows, left_index=True, right_index=True)
    ends = frame.index.sort_values()
    ends = ends[-1] + (
        pd.DateOffset(days=1) if interval >= 1440 else pd.Timedelta(minutes=interval)
    )
    late = steps >= (ends if zone is None else ends.tz_convert("UTC"))
    return np.where(late[:, None], np.nan, found.to_numpy())


def covariates(rng, folder):
    """Weather of another interval and time zone, as a frame, file or dict, with faults."""
    series, times = readings(rng, rng.choice(ZONES))
    right = weather(rng, times)
    each = rng.random() < 0.2
    given, is_right = right, rng.random() < 0.6
    if not is_right:
        given = faulty(rng, right)
    elif each:
        names = list(rng.sample(series.names, len(series.names)))
        given = {n: pd.DataFrame({name: right[n] for name in names}) for n in right}
    elif rng.random() < 0.5:
        given = written(rng, right, folder)
    elif rng.random() < 0.3:
        given = right.sample(frac=1, random_state=rng.randrange(99))
    kinds = {name: rng.choice(("past", "future")) for name in right}
    known = rng.choice(("past", "future", kinds, kinds))
    if rng.random() < 0.1:
        known = rng.choice((None, "Past", {"rain": "past"}, {}, ["past"], np.ones(3)))
    interval = (right.index[1] - right.index[0]) / pd.Timedelta(minutes=1)

    def call():
        own = with_covariates(series, given)
        form = Form.of(own, None, LENGTH, HORIZON, len(own.values))
        form = dataclasses.replace(form, **described(own, known, None))
        return form, covariate_inputs(form, own, 0, len(own.values))

    def check(result):
        form, found = result
        if not is_right:  # a fault that changed nothing, or another form of the same data
            return None if all(np.isfinite(one).all() for one in found.values()) else "not finite"
        wanted = expected(series, right, interval)
        for part, names in (
            ("past_covariates", form.past_covariates + form.future_covariates),
            ("future_covariates", form.future_covariates),
        ):
            if not names:
                continue
            array = found[part] if found[part].ndim == 3 else found[part][:, None]
            columns = wanted[: len(array), [list(right).index(name) for name in names]]
            if not np.allclose(array, columns[:, None], rtol=1e-3, atol=1e-3, equal_nan=False):
                return f"{part} of {names} differ from those of pandas"
        return None

    told = f"known={known}, {series.interval} min, {series.timezone}, {type(given)}\n{right[:5]}"
    size = series.values.nbytes + right.size * 8
    return Input(
        call,
        Forecaster.fit,
        check,
        size,
        told,
        ("covariates",),
        given if isinstance(given, str) else None,
    )


def attributes(rng, folder):
    """Numbers of sensors, as a frame or file, with faults."""
    series, _ = readings(rng, None)
    names = list(series.names)
    values = np.random.default_rng(rng.getrandbits(32)).integers(0, 9, (len(names), 2))
    right = pd.DataFrame(values, names, ["lanes", "limit"])
    given = right.loc[rng.sample(names, len(names))]
    changes = (
        lambda: right[:-1],
        lambda: pd.concat([right, right]),
        lambda: right.astype(object),
        lambda: right * 1e300,
        lambda: right.astype("Int64").mask(right > 4),
        lambda: right.assign(use="shop"),
        lambda: right.reset_index(),
        lambda: right[[]],
        lambda: right["lanes"],
        lambda: right.to_dict(),
        lambda: right.set_axis(["a", "a"], axis=1),
        lambda: 3,
        lambda: "no.csv",
    )
    is_right = rng.random() < 0.5
    if not is_right:
        given = rng.choice(changes)()
    elif rng.random() < 0.6:
        path = os.path.join(folder, "lanes.csv")
        given.to_csv(path, index_label=rng.choice(("sensor", "id", "station", "Messstelle")))
        given = path

    def check(found):
        wanted = tuple(tuple(map(float, row)) for row in values)
        same = found["attributes"] == ("lanes", "limit") and found["attribute_values"] == wanted
        return None if same or not is_right else f"{found}"

    told = f"{type(given)}\n{right}"
    path = given if isinstance(given, str) else None
    return Input(
        lambda: described(series, "past", given), Forecaster.fit, check, 10_000, told, (), path
    )


TARGETS = (covariates, attributes)
