"""Folders of forecasters, damaged or with files of other folders, and reports on them."""

import pathlib
import tempfile

import numpy as np
import pandas as pd

from stgkeras import Forecaster, datasets, reports
from tests.campaign import archives, constructed
from tests.campaign.children import Input

FILES = ("model.keras", "forecaster.json", "baselines.npz")
ZONE, HOUR = "Europe/Vienna", pd.Timedelta("1h")
TIMES = pd.date_range("2024-05-01", periods=9 * 24, freq="h", tz=ZONE)


def frame(names, level):
    wave = level + 10 * np.sin(TIMES.hour.to_numpy() * np.pi / 12)
    noise = np.random.default_rng(0).normal(size=(len(TIMES), len(names)))
    return pd.DataFrame(wave[:, None] + noise, TIMES, list(names))


def trained(names, level, **options):
    table = frame(names, level)
    ring = np.roll(np.eye(len(names)), 1, axis=1)
    series = datasets.from_pandas(table, np.maximum(ring, ring.T), units="km/h")
    forecaster = Forecaster("GraphSTID", horizon=3, units=4, num_blocks=1, **options)
    forecaster.fit(series, epochs=1, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        forecaster.save(pathlib.Path(folder, "saved"))
        parts = {name: pathlib.Path(folder, "saved", name).read_bytes() for name in FILES}
    newest = table[-24:]
    forecaster.forecast(newest)  # the second forecast is traced, and PyTorch makes a folder
    return parts, newest, forecaster.forecast(newest), forecaster, series


# The second folder has the same sensors, the third has others.
SAVED = (
    trained("ABC", 50, season=True),
    trained("ABC", 90, season=True),
    trained("ABCD", 50, season=False),
)


def damaged(rng, parts, others):
    """Returns the files of a folder with a fault, and the fault."""
    parts, fault = dict(parts), rng.choice(("none", "json", "json", "bytes", "h5", "arrays") * 2)
    name = rng.choice(FILES)
    if rng.random() < 0.4:
        fault = rng.choice(("remove", "rename", "swap", "foreign", "foreign", "extra"))
    if fault == "json":
        parts[FILES[1]] = archives.damaged_json(rng, parts[FILES[1]])
    elif fault == "bytes":
        parts[name] = archives.damaged_bytes(rng, parts[name])
    elif fault == "h5":
        parts[FILES[0]], how = archives.damaged_archive(rng, parts[FILES[0]])
    elif fault == "arrays":
        parts[FILES[2]] = archives.archive_of(other_members(rng, parts[FILES[2]]))
    elif fault == "remove":
        del parts[name]
    elif fault == "rename":
        parts[f"{name}x"] = parts.pop(name)
    elif fault == "swap":
        other = rng.choice(FILES)
        parts[name], parts[other] = parts[other], parts[name]
        fault = "none" if name == other else fault
    elif fault == "foreign":
        for one in rng.sample(FILES, rng.choice((1, 2))):
            parts[one] = others[one]
    elif fault == "extra":
        parts[rng.choice(("a.pkl", "config.json", "metadata.json"))] = b"{}"
    return parts, fault


def other_members(rng, data):
    members = archives.members_of(data)
    place, other = rng.randrange(len(members)), rng.randrange(len(members))
    name, content = members[place]
    kind = rng.choice(("remove", "swap", "bytes", "rename"))
    if kind == "remove":
        del members[place]
    elif kind == "swap":
        members[place], members[other] = (name, members[other][1]), (members[other][0], content)
    elif kind == "bytes":
        members[place] = (name, archives.damaged_bytes(rng, content))
    else:
        members[place] = (rng.choice(("x.npy", "../x.npy", "a.pkl")), content)
    return members


def load_forecaster(rng, folder):
    """`Forecaster.load`, and a forecast of what it opens."""
    place = rng.randrange(3)
    whole, newest, wanted, *_ = SAVED[place]
    parts, fault = damaged(rng, whole, SAVED[rng.choice([i for i in range(3) if i != place])][0])
    path = pathlib.Path(folder, "saved")
    path.mkdir()
    for name, content in parts.items():
        (path / name).write_bytes(content)
    given = rng.choice((path, str(path)))
    if rng.random() < 0.05:
        given, fault = rng.choice(constructed.BAD), "argument"

    def call():
        opened = Forecaster.load(given)
        return opened.forecast(newest)

    def check(found):
        if found.values.shape != wanted.values.shape:
            return f"a forecast of shape {found.values.shape} after {fault}"
        same = np.allclose(found.values, wanted.values, rtol=1e-4, atol=1e-3)
        same = same and found.names == wanted.names and list(found.times) == list(wanted.times)
        return None if same else f"another forecast after {fault}"

    size = sum(map(len, parts.values()))
    told = f"{fault} {given!r} {parts.get(FILES[1], b'')[:2500]!r}"
    names = ("newest",)
    return Input(call, Forecaster.load, check, size, told, names, str(path), writes=True)


def compare_forecaster(rng, folder):
    """`reports.compare`, with forecasters and series that fit or do not."""
    *_, forecaster, series = SAVED[rng.randrange(3)]
    given = {"forecaster": forecaster, "series": series}
    if rng.random() < 0.5:
        given["test"] = rng.choice((0.2, 0.5, 60))
    fault = rng.choice((None, "forecaster", "series", "test", "data"))
    if fault:
        others = {
            "forecaster": [Forecaster(), forecaster.model],
            "series": [SAVED[2][-1], SAVED[0][1]],
        }
        given[fault] = rng.choice([*others.get(fault, ()), *rng.sample(constructed.BAD, 4)])

    def check(found):
        rows = list(found.forecasts)
        if rows[:3] != ["forecaster", "model", "last value"]:
            return f"rows {rows}"
        last = series.values[found.first - 1][:, None]
        own = found.forecasts["last value"]
        if fault != "series" and not np.allclose(own, last + 0 * own, atol=1e-4):
            return "another last value"
        return None

    told = f"`{fault}` = {given.get(fault)!r}"[:500]
    call = lambda: reports.compare(**given)  # noqa: E731
    names = ("newest", "val")
    return Input(call, reports.compare, check, constructed.SIZE, told, names)


def same_readings(rng, table):
    """Returns the same readings in another form."""
    for _ in range(rng.randint(1, 3)):
        table = rng.choice(
            (
                lambda t: t[rng.sample(list(t), len(t.columns))],
                lambda t: t.tz_convert("UTC"),
                lambda t: t.tz_convert("America/New_York"),
                lambda t: t.astype(rng.choice(("float64", "object", "Float64"))),
                lambda t: pd.concat([t, pd.DataFrame(np.nan, t.index[-1:] + HOUR, t.columns)]),
                lambda t: t[-rng.randint(12, len(t)) :],
                lambda t: t.rename_axis("Date"),
            )
        )(table)
    # Times without a zone are on the clock of the training readings.
    return table.tz_convert(ZONE).tz_localize(None) if rng.random() < 0.2 else table


def other_readings(rng, table):
    """Returns readings that must be refused, and readings that lack some."""
    first = table.columns[0]
    refused = (
        lambda t: t.rename(columns={first: "other"}),
        lambda t: t.set_axis(range(len(t.columns)), axis=1),
        lambda t: t[::2],
        lambda t: t[-5:],
        lambda t: t * np.nan,
        lambda t: pd.concat([t, t[-1:]]),
        lambda t: t.assign(note="x"),
        lambda t: t.assign(**{first: "x"}),
        lambda t: t.assign(**{first: np.inf}),
        lambda t: t.reset_index(drop=True),
        lambda t: t.set_axis(list(t.index[:-1]) + [pd.NaT]),
        lambda t: t.set_axis(t.index + pd.to_timedelta(np.arange(len(t)), "s")),
        lambda t: pd.concat([t, t[first]], axis=1),
        lambda t: t.T,
    )
    lacking = (
        lambda t: t.drop(columns=first),
        lambda t: t.drop(index=t.index[[-3]]),
        lambda t: t.mask(np.random.default_rng(0).random(t.shape) < 0.3),
    )
    kind = rng.choice(("refused", "lacking"))
    return kind, rng.choice(refused if kind == "refused" else lacking)(table)


def newest_readings(rng, folder):
    """`Forecaster.forecast` of frames and csv files."""
    _, table, wanted, forecaster, _ = SAVED[rng.randrange(3)]
    kind, given = "same", table
    if rng.random() < 0.6:
        given = same_readings(rng, table)
    if rng.random() < 0.5:
        kind, given = other_readings(rng, given)
    told = f"{kind}\n{given!r}\n{given.dtypes!r}"
    path = None
    if rng.random() < 0.4:
        path = str(pathlib.Path(folder, "newest.csv"))
        given.to_csv(path, index_label=given.index.name or "time")
        given = path
    if rng.random() < 0.1:
        kind, given = "refused", rng.choice(constructed.BAD)
        told = f"{given!r}"
        kind = "default" if given is None else kind

    def check(found):
        if kind == "refused":
            return "accepted"
        if not np.isfinite(found.values).all():
            return "no finite forecast"
        same = np.allclose(found.values, wanted.values, rtol=1e-4, atol=1e-3)
        same = same and found.names == wanted.names and list(found.times) == list(wanted.times)
        return "another forecast" if kind == "same" and not same else None

    names = ("path", "frames", "null_value", "values", "timezone", "regularize", "duplicates")
    function = forecaster.forecast
    return Input(lambda: function(given), function, check, constructed.SIZE, told, names, path)


TARGETS = (load_forecaster, compare_forecaster, newest_readings)
