"""Baselines, comparisons and the report of the console script, computed again by pandas."""

# ruff: noqa: F811 - fixtures are imported
import json
import re

import numpy as np
import pandas as pd
import pytest
from cli_runs import error, fitted, folder, here, run, speeds, table  # noqa: F401
from conftest import once

from stgkeras import datasets, reports

REACH = {"input_length": 6, "horizon": 3}


def of_page(path):
    """The table, the facts and the data of the chart of a page."""
    page = path.read_text("utf-8")
    rows = re.findall(r"<tr><th>([^<]+)</th>(.*?)</tr>", page)
    errors = {name: [float(cell) for cell in re.findall(r"[\d.]+", cells)] for name, cells in rows}
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page, re.S))
    return errors, facts, json.loads(re.search(r'application/json">(.*?)</script>', page, re.S)[1])


@once
def test_baselines_follow_the_local_clock():
    """Fifteen days in Paris, whose clocks change on the twelfth day; no readings at night."""
    times = pd.date_range("2024-03-20", periods=15 * 24, freq="h", tz="Europe/Paris")
    level = 50 + 20 * np.sin(times.hour / 24 * 2 * np.pi).to_numpy()[:, None]
    flows = pd.DataFrame(level + np.random.default_rng(0).normal(size=(360, 4)), times)
    flows[times.hour < 5] = np.nan
    series = datasets.from_pandas(flows.set_axis(list("ABCD"), axis=1), null_value=np.nan)
    split = datasets.split_windows(360, **REACH)
    found = reports.baselines(series, split, **REACH)
    values = flows.to_numpy()
    ahead = split.test[:, None] + 6 + np.arange(3)
    kinds = [times.day_of_week >= 5, times.hour]
    train = pd.DataFrame(values[:216]).groupby([kind[:216] for kind in kinds]).mean()
    mean = train.reindex(pd.MultiIndex.from_arrays(kinds)).to_numpy()[ahead]
    awake = ~np.isnan(values[ahead])
    np.testing.assert_allclose(found["historical mean"][..., 0][awake], mean[awake], rtol=1e-5)
    wall = pd.Series(np.arange(360), times.tz_localize(None))
    then = wall.reindex(times[ahead.ravel()].tz_localize(None) - pd.Timedelta("1D"))
    lagged = values[then.to_numpy().astype(int)].reshape(*ahead.shape, 4)
    shown = found["same time last day"][..., 0]
    np.testing.assert_allclose(shown[~np.isnan(lagged)], lagged[~np.isnan(lagged)], rtol=1e-6)
    last = flows.ffill().to_numpy()[split.test + 5]
    filled = np.broadcast_to(last[:, None], lagged.shape)
    np.testing.assert_allclose(shown[np.isnan(lagged)], filled[np.isnan(lagged)], rtol=1e-6)
    assert "ridge on the residual" in found and "same time last week" in found
    dateless = datasets.from_arrays(values[..., None][:20], names=list("ABCD"), null_value=np.nan)
    with pytest.raises(ValueError, match="`series` must have an interval. Received: interval=None"):
        reports.baselines(dateless, split, **REACH)
    with pytest.raises(ValueError, match="`series` must have an interval. Received: interval=None"):
        reports.Comparison(dateless, np.arange(6, 9), {})


@once
def test_a_comparison_refuses_other_shapes_and_steps():
    series = datasets.from_arrays(np.arange(40.0).reshape(20, 2), interval=5)
    first = np.arange(12, 18)
    truth = series.values[first[:, None] + np.arange(3)]
    with pytest.raises(ValueError, match=r"\(6, 3, 2, 1\). Received: {'b': \(6, 3, 2\)}"):
        reports.Comparison(series, first, {"a": truth, "b": truth[..., 0]})
    compared = reports.Comparison(series, first, {"a": truth + [[1.0], [3.0]]})
    errors = compared.errors([3])["a"]
    assert (errors["MAE 15 min"], errors["RMSE mean"]) == (2, pytest.approx(5**0.5))
    for steps in ([0], [4], []):
        with pytest.raises(ValueError, match="`steps` must be from 1 to 3, the horizon"):
            compared.errors(steps)


@once
def test_targets_are_chosen_by_their_number():
    values = np.stack([np.zeros((20, 2)), np.arange(40.0).reshape(20, 2)], axis=-1)
    series = datasets.from_arrays(values, interval=5, units=("km/h", "1/h"))
    first = np.arange(12, 18)
    truth = series.values[first[:, None] + np.arange(3)]
    compared = reports.Comparison(series, first, {"a": truth[..., 1:]}, targets=(1,))
    assert compared.errors()["a"]["MAE mean"] == 0 and compared.units == "1/h"
    axes = reports.pictures(compared)["forecast"].axes[0]
    assert (
        axes.get_ylabel() == f"{series.features[1]} (1/h)" and axes.lines[0].get_ydata().max() > 20
    )


def test_the_report_of_a_city(fitted, here, run):
    path = here / "city.html"
    printed = run("report", "city", "speeds.csv", "--days", "2", "--out", "city.html").out
    errors, facts, data = of_page(path)
    want = table(fitted)  # the test part of the fit: the last fifth
    assert list(errors) == list(want.index)
    np.testing.assert_allclose(list(errors.values()), want, rtol=2e-3)
    page = path.read_text("utf-8")
    assert "<h1>Forecasts of speeds.csv by city</h1>" in page and "windows, in km/h" in page
    assert facts["Graph"].startswith("6 sensors, 5 edges, 1 connected part")
    assert "2024-05-01 00:00 to 2024-05-10 23:00, local time of Europe/Vienna" in facts["Data"]
    assert "34 windows of 3 steps, forecast from 2024-05-09 12:00 to" in facts["Tested"]
    assert facts["Newest forecast"].startswith("2024-05-11 00:00:00+02:00 to")
    assert "no sensor is flagged" in facts["Newest forecast"] and "GraphSTID" in facts["Weights"]
    assert [line["label"] for line in data["lines"]] == [
        *("measured", "forecast 60 min ahead", "forecast 180 min ahead", "baseline: usual day"),
    ]
    clock = np.array(data["times"], "datetime64[ms]")
    hours = pd.date_range("2024-05-09 12:00", "2024-05-10 21:00", freq="h")
    np.testing.assert_array_equal(clock, hours)
    measured = np.array(data["lines"][0]["values"], float)  # (N, steps)
    np.testing.assert_allclose(measured, speeds().loc[hours].to_numpy().T, atol=0.051)
    assert f"forecaster {errors['forecaster'][2]:.4g}" in printed
    assert "stgkeras forecast city speeds.csv --out forecast.csv" in printed
    path.unlink()


@once
def test_a_report_on_all_readings_with_places_and_flags(fitted, here, run, error):
    newest = speeds()
    newest.loc[newest.index[-30:], "A2"] = 0  # --null-value of the fit
    newest[newest.columns[::-1]].to_csv("silent.csv")  # columns are found by name
    places = pd.DataFrame({"sensor": newest.columns, "latitude": 48.2, "longitude": 16.0})
    places["longitude"] += np.arange(6) / 100
    places.to_csv("places.csv", index=False)
    run("report", "city", "silent.csv", "--test", "1.0", "--places", "places.csv", "--overwrite")
    errors, facts, data = of_page(here / "report.html")
    steps = [newest.replace(0, np.nan).diff(h).iloc[11 + h : 237 + h].abs() for h in (1, 2, 3)]
    assert errors["last value"][2] == pytest.approx(np.nanmean(np.stack(steps)), rel=1e-3)
    assert "226 windows" in facts["Tested"] and "too small" in facts["Caution"]
    assert "A2 (no reading since 2024-05-09 17:00+02:00) flagged" in facts["Newest forecast"]
    places.rename(columns={"sensor": "from", "latitude": "to"}).to_csv("bad.csv", index=False)
    text = error("report", "city", "silent.csv", "--places", "bad.csv", "--overwrite")
    assert "bad.csv" in text
    text = error("report", "city", "silent.csv")
    assert "--out must be a new file. Received: report.html" in text
    text = error("report", "city", "silent.csv", "--test", "5", "--overwrite")
    assert "--test must leave at least 15 steps. Received: --test 5" in text
    text = error("report", "city", "silent.csv", "--days", "0", "--out", "no.html")
    assert "--days must be above 0" in text and not (here / "no.html").exists()
    assert "--out must be in an existing folder" in error(
        "report", "city", "silent.csv", "--out", "no/such.html"
    )


@once
def test_each_target_has_a_table_in_its_own_units(tmp_path):
    values = np.stack([np.zeros((40, 2)), np.arange(80.0).reshape(40, 2)], axis=-1)
    names = {"features": ("speed", "flow"), "units": ("km/h", "1/h")}
    series = datasets.from_arrays(values, interval=60, **names)
    first = np.arange(12, 39)
    truth = series.values[first[:, None] + np.arange(2)]
    compared = reports.Comparison(series, first, {"a": truth + [1.0, 300.0]}, targets=(0, 1))
    assert compared.errors()["a"]["MAE mean"] == 1
    assert compared.errors(target=1)["a"]["RMSE mean"] == pytest.approx(300, rel=1e-5)
    reports.write_page(tmp_path / "page.html", compared)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<h2>Errors of the tested windows</h2>" in page
    speed, flow = page.split("<h3>flow, in 1/h</h3>")
    assert "1.000" in speed.split("<h3>speed, in km/h</h3>")[1] and "300.0" in flow
    assert of_page(tmp_path / "page.html")[1]["Figures"] == "of speed, the first of 2 targets"
