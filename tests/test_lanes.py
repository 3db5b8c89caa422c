"""Long tables with a row for each lane or quantity: the advice in the message is run as it is."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_csv, from_pandas

TIMES = pd.date_range("2024-05-01", periods=12, freq="5min")
FORMS = [(",", "."), (";", ","), ("\t", ".")]


def rows(column, values):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        [(time, name, value) for time in TIMES for name in ("007", "B") for value in values],
        columns=["time", "sensor", column],
    )
    return table.assign(flow=random.integers(1, 400, len(table)) + 0.5)


def message_of(path, **options):
    with pytest.raises(ValueError, match="one row for each time|only columns of readings") as error:
        from_csv(path, **options)
    return str(error.value)


def run(message, chosen, change=lambda code: code):
    """Runs the first, the chosen and the last piece of code of a message."""
    pieces = [code for code in re.findall("`([^`]*)`", message) if code.startswith("frame")]
    (middle,) = [code for code in pieces if chosen in code]
    space = {"pandas": pd}
    for code in (pieces[0], change(middle), pieces[-1]):
        exec(code, space)


@pytest.mark.parametrize(("separator", "decimal"), FORMS)
@pytest.mark.parametrize(
    ("column", "options"),
    [("lane", {}), ("lane", {"ignore": ["lane"]}), ("richtung", {}), ("direction", {})],
)
@pytest.mark.parametrize("how", ["sum", "mean"])
def test_lanes(tmp_path, monkeypatch, separator, decimal, column, options, how):
    monkeypatch.chdir(tmp_path)
    table = rows(column, ["N", "S"] if column == "direction" else [1, 2, 3])
    table.to_csv("a.csv", index=False, sep=separator, decimal=decimal)
    message = message_of("a.csv", **options)
    assert f"several rows, which differ in column '{column}'" in message
    run(message, "groupby", lambda code: code.replace("sum(min_count=1)", f"{how}()"))
    series = from_csv("combined.csv")
    assert series.names == ("007", "B") and series.features == ("flow",)
    for n, name in enumerate(series.names):
        for t, time in enumerate(TIMES):
            part = table[(table["sensor"] == name) & (table["time"] == time)]["flow"]
            assert series.values[t, n, 0] == pytest.approx(getattr(part.to_numpy(), how)())


@pytest.mark.parametrize("options", [{}, {"ignore": ["parameter"]}])
@pytest.mark.parametrize("column", ["parameter", "variable"])
def test_features_in_rows(tmp_path, monkeypatch, options, column):
    monkeypatch.chdir(tmp_path)
    table = rows(column, ["flow", "speed"]).rename(columns={"flow": "value"})
    table.to_csv("a.csv", index=False)
    run(message_of("a.csv", **({"ignore": [column]} if options else {})), "pivot_table")
    series = from_csv("combined.csv")
    assert series.names == ("007", "B") and series.features == ("flow", "speed")
    np.testing.assert_array_equal(
        series.values, table["value"].to_numpy(np.float32).reshape(12, 2, 2)
    )


@pytest.mark.parametrize(("duplicates", "what"), [("mean", "mean"), ("first", "first")])
def test_duplicates_join_lanes_with_a_warning(tmp_path, duplicates, what):
    path = tmp_path / "a.csv"
    rows("lane", [1, 2]).to_csv(path, index=False)
    message = f'the {what} of the rows of .*because of `duplicates="{duplicates}"`.*groupby'
    with pytest.warns(UserWarning, match=message):
        from_csv(path, ignore=["lane"], duplicates=duplicates)


def test_other_repeated_rows_are_no_lanes(tmp_path):
    path = tmp_path / "a.csv"
    table = rows("lane", [1]).drop(columns="lane")
    pd.concat([table, table[:4]]).to_csv(path, index=False)
    assert "Pass `duplicates=" in message_of(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert from_csv(path, duplicates="mean").values.shape == (12, 2, 1)


@pytest.mark.parametrize("as_index", [True, False])
def test_frames_with_lanes(as_index):
    table = rows("lane", [1, 2]).drop(columns="lane")
    frame = table.set_index("time") if as_index else table
    with pytest.raises((TypeError, ValueError), match="several rows, such as lanes") as error:
        from_pandas(frame)
    (code,) = re.findall(r"`(frame\.pivot[^`]*)`", str(error.value))
    code = code.replace("values=…", "values='flow'")
    series = from_pandas(eval(code, {"frame": frame}))
    expected = table["flow"].to_numpy(np.float32).reshape(12, 2, 2).sum(axis=2)
    np.testing.assert_array_equal(series.values[..., 0], expected)
