"""Random arguments of the readers of series."""

import numpy as np

ZONES = ("Europe/Paris", "UTC", "+01:00", "America/New_York", "Mars/Olympus", "", "CET", 5)
MARKS = (None, 0, 0.0, np.nan, -1, "0", {"speed": 0}, {"nothing": 0}, [0], [0, None], True, 1e400)


def options_of(rng, names, seldom=0.12):
    """Returns arguments of readers, most of them left out; some have bad values."""
    choices = {
        "units": ("km/h", ["km/h"], "", 5, ["a", "b"]),
        "symmetric": (True, False),
        "interval": (5, 5.0, 1, 15, 60, 0, -5, "5", np.nan, 1e9),
        "null_value": MARKS,
        "regularize": (True, False),
        "duplicates": ("first", "mean", "raise", "last", None),
        "unknown": ("drop", "raise", "skip"),
        "timezone": ZONES,
        "holidays": ("AT", ["2024-05-01"], "Nowhere", [], 5),
        "quality": (None, "quality", "absent.csv", np.ones((3, 2), bool)),
        "layout": ("wide", "long", "station", "deep"),
        "time": ("time", "Date", False, True, "absent", ""),
        "sensor": ("sensor", "station_id", "absent", "S0"),
        "ignore": ((), "id", ["index"], "S0", ["absent"], ""),
        "separator": (",", ";", "\t", "|", "", ",,", 5),
        "decimal": (".", ",", ":"),
        "key": ("x", "speed", ["speed", "flow"], "absent"),
    }
    found = {}
    for name in names:
        often = 0.5 if name == "null_value" else seldom
        if rng.random() < often:
            found[name] = rng.choice(choices[name])
    return found


COMMON = ("units", "symmetric", "interval", "null_value", "regularize", "duplicates") + (
    *("unknown", "timezone", "holidays", "quality"),
)
TABULAR = (*COMMON, "layout", "time", "sensor", "ignore", "separator", "decimal")
