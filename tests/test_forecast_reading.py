"""Newest readings in files: the advice in each message leads to a call that works."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from conftest import once

import stgkeras
from stgkeras.datasets import from_csv, from_pandas, load_series
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.reading import as_series, read_series

pytestmark = once
VIENNA = "Europe/Vienna"


def readings(start="2024-05-01", steps=24 * 20, zone=None):
    times = pd.date_range(start, periods=steps, freq="h", tz=zone, name="time")
    values = np.arange(2.0 * steps).reshape(steps, 2) % 71 + 1
    return pd.DataFrame(values, times, ["A", "B"])


def form_of(series):
    return Form.of(series, None, 12, 3, len(series.values) // 2)


def written(frame, path, form=None):
    frame = frame.copy()
    if form is not None:
        frame.index = frame.index.strftime(form)
    frame.to_csv(path, index_label="time")
    return path


def followed(form, newest, error, names, value="…"):
    """Runs the call in a message and returns its series, which the forecaster must take."""
    (code,) = re.findall(r"`(stgkeras\.datasets\.[^`]*)`", str(error.value))
    code = code.replace("…", repr(value))
    return as_series(form, eval(code, {"stgkeras": stgkeras, "np": np} | names))


@pytest.mark.parametrize("zone", [None, VIENNA])
@pytest.mark.parametrize("null_value", [None, 0.0])
@pytest.mark.parametrize("kind", ["file", "frame"])
def test_repeated_rows(tmp_path, zone, null_value, kind):
    form = form_of(from_pandas(readings(zone=zone), null_value=null_value))
    newest = readings("2024-05-25", 24)
    newest = pd.concat([newest, newest[-1:] + 4])
    given = written(newest, tmp_path / "dup.csv") if kind == "file" else newest
    with pytest.raises(ValueError, match="`duplicates` is an argument of the readers") as error:
        as_series(form, given)
    series = followed(form, given, error, {"frame": newest})
    np.testing.assert_array_equal(series.values[:, :, 0], newest[:-1].to_numpy(np.float32))
    assert series.timezone == zone


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("time,A,B,id\n2024-05-25 00:00,1,2,7\n2024-05-25 01:00,1,2,8\n", "ignore"),
        ("day,time,A\n2024-05-25,2024-05-25 00:00,1\n2024-05-25,2024-05-25 01:00,1\n", "time"),
        ("time;A;B\n2024-05-25 00:00;1,234;2,345\n2024-05-25 01:00;1,234;2,345\n", "decimal"),
    ],
)
def test_other_arguments_of_readers(tmp_path, text, argument):
    (tmp_path / "n.csv").write_text(text)
    form = form_of(from_pandas(readings()))
    with pytest.raises(ValueError, match=f"`{argument}` is an argument of the readers") as error:
        as_series(form, tmp_path / "n.csv")
    message = str(error.value)
    (code,) = re.findall(r"`(stgkeras\.datasets\.[^`]*)`", message)
    assert f"{argument}=" in code and "n.csv" in code and "regularize=True" in code
    if argument == "ignore":
        assert followed(form, None, error, {}).names == ("A", "B")
    if argument == "decimal":
        assert followed(form, None, error, {}, ",").values[0, 0, 0] == pytest.approx(1.234)


def test_gaps_for_a_forecaster_without_times(tmp_path):
    form = form_of(from_pandas(readings()))
    form = dataclasses.replace(form, dated=False)
    newest = readings("2024-05-25", 24).drop(index=pd.Timestamp("2024-05-25 05:00"))
    path = written(newest, tmp_path / "n.csv")
    with pytest.raises(ValueError, match="`regularize` is an argument of the readers") as error:
        as_series(form, path)
    assert np.isnan(followed(form, None, error, {}).values[5]).all()


def test_messages_without_such_arguments_stay(tmp_path):
    form = form_of(from_pandas(readings()))
    (tmp_path / "n.csv").write_text("time,A,B\nnoon,1,2\n2024-05-25 00:00,1,2\n")
    with pytest.raises(ValueError, match="timestamps in its first") as error:
        as_series(form, tmp_path / "n.csv")
    assert "argument of the readers" not in str(error.value)


@pytest.mark.parametrize("day_first", [True, False])
@pytest.mark.parametrize("separator", ["/", "-"])
@pytest.mark.parametrize("long", [False, True])
def test_order_of_day_and_month_is_that_of_the_training_file(tmp_path, day_first, separator, long):
    style = separator.join(["%d", "%m"] if day_first else ["%m", "%d"]) + f"{separator}%Y %H:%M"

    def file(frame, name):
        path = written(frame, tmp_path / name, style)
        if long:
            table = pd.read_csv(path).melt("time", var_name="sensor", value_name="flow")
            table.to_csv(path, index=False)
        return path

    series = from_csv(file(readings(), "a.csv"))
    assert series.day_first is day_first
    form = Form.from_json(form_of(series).to_json())
    newest = readings("2024-06-05", 24)
    path = file(newest, "n.csv")
    found = as_series(form, path)
    np.testing.assert_array_equal(found.timestamps, newest.index.to_numpy())
    with pytest.raises(ValueError, match="whether the day .*`day_first=False` .month first"):
        load_series(path)
    given = load_series(path, day_first=day_first)
    np.testing.assert_array_equal(given.timestamps, newest.index.to_numpy())
    wrong = load_series(path, day_first=not day_first).timestamps[0]
    assert wrong == np.datetime64("2024-05-06T00:00")
    late = file(readings("2024-05-20", 24), "late.csv")
    with pytest.raises(ValueError, match=f"because of `day_first={not day_first}`"):
        load_series(late, day_first=not day_first)


def test_dates_without_an_order(tmp_path):
    for style in ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M"):
        series = from_csv(written(readings(), tmp_path / "a.csv", style))
        assert series.day_first is None
        np.testing.assert_array_equal(series.timestamps, readings().index.to_numpy())
    with pytest.raises(ValueError, match="`day_first` must be True or False"):
        from_csv(tmp_path / "a.csv", day_first="yes")
    assert form_of(series).to_json()["day_first"] is None


def test_older_files_have_no_order():
    found = form_of(from_pandas(readings())).to_json()
    del found["day_first"]
    assert Form.from_json(found).day_first is None


@pytest.mark.parametrize("stamp", ["%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M+02:00"])
def test_offsets_for_a_forecaster_without_a_zone(tmp_path, stamp):
    form = form_of(from_pandas(readings()))
    path = written(readings("2024-05-25", 24), tmp_path / "n.csv", stamp)
    for read in (as_series, read_series):
        with pytest.raises(ValueError, match=r"without a time zone.*fit --timezone`") as error:
            read(form, path)
    (code,) = re.findall(r"`(frame[^`]*)`", str(error.value))
    frame = pd.read_csv(path, index_col=0, parse_dates=True)
    frame.index = eval(code.replace("Europe/Paris", VIENNA), {"frame": frame})
    series = as_series(form, frame)
    hours = 2 if stamp.endswith("Z") else 0
    assert series.timestamps[0] == np.datetime64("2024-05-25") + np.timedelta64(hours, "h")


def test_several_offsets_for_a_forecaster_without_a_zone(tmp_path):
    form = form_of(from_pandas(readings()))
    frame = readings("2024-10-26", 48, VIENNA)
    frame.index = [time.isoformat() for time in frame.index]
    frame.to_csv(tmp_path / "n.csv", index_label="time")
    with pytest.raises(ValueError, match="must have one UTC offset.* was trained on times without"):
        as_series(form, tmp_path / "n.csv")
    zoned = form_of(from_pandas(readings(zone=VIENNA)))
    assert as_series(zoned, tmp_path / "n.csv").timezone == VIENNA


def test_a_path_that_is_no_file_is_an_error_of_newest(tmp_path):
    form = form_of(from_pandas(readings()))
    (tmp_path / "n.txt").write_text("")
    for path, kind, message in (
        (
            "",
            FileNotFoundError,
            "`newest` must be the path of an existing .* an empty text",
        ),
        (tmp_path / "gone.csv", FileNotFoundError, "`newest` must be .* Received: .*gone.csv"),
        (tmp_path / "n.txt", ValueError, "`newest` must end in .npz, .csv"),
    ):
        with pytest.raises(kind, match=message):
            as_series(form, path)
