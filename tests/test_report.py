"""The page of examples/report.py, read as text and looked at in a browser."""

import json
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from browser import open_browser
from conftest import once

from stgkeras import datasets, graphs, models, reports
from stgkeras.cli.errors import UserError
from stgkeras.cli.report import with_places

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import report

HOURS, READ, AHEAD = 360, 6, 3
NAMES = ["A1", "<b>\"B\" & 'C'</b>", "</script><script>window.broken = 1</script>", "$title ü"]
FIRST = np.arange(288 + READ, HOURS - AHEAD + 1)  # the first hour that each test window predicts
GRAPH = np.ones((4, 4)) - np.eye(4)


def run(*arguments):
    report.main(report.parse([str(argument) for argument in arguments]))


def write(path, hours=HOURS, names=NAMES):
    """Hourly readings with gaps, marked by 0; as an array with NaN."""
    times = pd.date_range("2024-01-01", periods=hours, freq="h", name="time")
    rng = np.random.default_rng(0)
    level = 40 + 10 * np.sin(times.hour / 24 * 2 * np.pi).to_numpy()[:, None] * np.arange(1, 5)
    values = (level + rng.normal(size=(hours, 4))).round(2)
    values[rng.random(values.shape) < 0.03] = 0
    values[-10:-7, 1] = 0
    pd.DataFrame(values, times, names).to_csv(path)
    return np.where(values == 0, np.nan, values).astype("float32")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page of an ASTGCN that nobody trained, its readings and its forecasts."""
    folder = tmp_path_factory.mktemp("report")
    values = write(folder / "speeds & more.csv")
    keras.utils.set_random_seed(0)
    small = {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 4, "normalize": True}
    graph = graphs.scaled_laplacian(GRAPH)
    model = models.ASTGCN(4, graph=graph, input_length=READ, horizon=AHEAD, **small)
    model.adapt(values[:216, :, None])
    model.save(folder / "model.keras")
    x = values[FIRST[:, None] - READ + np.arange(READ)][..., None]
    forecast = model.predict(x, verbose=0)[..., 0]
    options = ("--null-value", 0, "--units", "km/h", "--steps", 1, 3, "--days", 2)
    run(folder, folder / "speeds & more.csv", *options, "--out", folder / "page.html")
    return folder / "page.html", values, forecast


def embedded(page):
    return json.loads(re.search(r'type="application/json">(.*?)</script>', page, re.S)[1])


def close(found, expected, atol):
    found = np.array([[np.nan if v is None else v for v in row] for row in found], float)
    np.testing.assert_allclose(found, expected, atol=atol)


def test_table_and_data_are_of_the_test_part(made):
    page, values, forecast = made[0].read_text("utf-8"), *made[1:]
    truth = values[FIRST[:, None] + np.arange(AHEAD)]
    last = pd.DataFrame(values).ffill().to_numpy()[FIRST - 1][:, None]
    rows = re.findall(r"<tr><th>(.*?)</th>(.*?)</tr>", page)
    table = {name: [float(cell) for cell in re.findall(r"[\d.]+", cells)] for name, cells in rows}
    names = ["last value", "same time last day", "same time last week", "historical mean"]
    assert list(table) == ["ASTGCN", *names, "ridge on the residual"]
    for name, predicted in (("ASTGCN", forecast), ("last value", last)):
        error = np.abs(predicted - truth)
        expected = [np.nanmean(part) for part in (error[:, 0], error[:, 2], error)]
        expected += [np.nanmean(part**2) ** 0.5 for part in (error[:, 0], error[:, 2], error)]
        np.testing.assert_allclose(table[name], expected, rtol=1e-3)
    data = embedded(page)
    assert data["names"] == NAMES
    shown = FIRST[-48:]
    measured, soon, late, base = data["lines"]
    close(measured["values"], values[shown].T, 0.051)
    # What was said one and three hours before came from the windows of 0 and 2 hours before.
    close(soon["values"], forecast[-48:, 0].T, 0.051)
    close(late["values"], forecast[-50:-2, 2].T, 0.051)
    assert (soon["label"], late["label"]) == ("forecast 60 min ahead", "forecast 180 min ahead")
    assert base["label"] == "baseline: historical mean"
    hours = pd.DataFrame(values[:216]).set_axis(pd.date_range("2024-01-01", periods=216, freq="h"))
    means = hours.groupby([hours.index.day_of_week >= 5, hours.index.hour]).mean()
    then = pd.date_range("2024-01-01", periods=HOURS, freq="h")[shown]
    usual = means.loc[list(zip(then.day_of_week >= 5, then.hour, strict=True))].to_numpy()
    close(base["values"], usual.T, 0.051)
    expected = np.nanmean(np.abs(forecast - truth), axis=(0, 1))
    np.testing.assert_allclose(data["errors"], expected, atol=0.006)
    hours = np.array(data["times"]) / 36e5  # since 1970; 2024 begins on day 19723
    np.testing.assert_array_equal(hours, 24 * 19723 + shown)
    assert "64 windows of 3 steps, forecast from 2024-01-13 06:00 to 2024-01-15 23:00" in page
    assert page.count("data:image/png;base64,") == 5
    assert "<h1>ASTGCN on speeds &amp; more.csv</h1>" in page
    assert "360 steps of 60 minutes, 2024-01-01 00:00 to 2024-01-15 23:00" in page


@pytest.fixture
def opened(made):
    """The page in a browser, and what it complained of or asked for."""
    with open_browser() as browser:
        page, heard = browser.new_page(viewport={"width": 375, "height": 800}), []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(made[0].as_uri())
        yield page, heard


def drawn(page, line):
    """{place of the hour: value} of a line, read off the picture by its ticks."""
    ticks = page.locator("#chart text.tick")
    marks = ticks.evaluate_all("all => all.map(t => [t.getAttribute('y') - 4, +t.textContent])")
    heights, marked = np.array(marks).T
    slope, start = np.polyfit(heights, marked, 1)
    np.testing.assert_allclose(slope * heights + start, marked, atol=1e-6)  # even, upwards
    path = page.locator(f"#chart path.line.{line}").get_attribute("d")
    points = np.array(re.findall(r"([\d.]+) ([\d.]+)", path), float)
    left, right = 48, page.locator("#chart").evaluate("chart => chart.clientWidth") - 8
    places = (points[:, 0] - left) / (right - left) * 47
    np.testing.assert_allclose(places, places.round(), atol=0.01)
    values = dict(zip(places.round().astype(int), slope * points[:, 1] + start, strict=True))
    return values, path.count("M")


@once
def test_the_picker_draws_the_chosen_sensor(made, opened):
    (page, heard), (_, values, forecast) = opened, made
    assert page.locator("#sensor option").all_inner_texts() == NAMES
    measured, late = values[FIRST[-48:]], forecast[-50:-2, 2]
    seen = []
    for sensor in (3, 1, 2):
        page.locator("#sensor").select_option(NAMES[sensor])
        for line, expected in (("measured", measured), ("last", late)):
            found, parts = drawn(page, line)
            there = np.flatnonzero(~np.isnan(expected[:, sensor]))
            assert sorted(found) == there.tolist()
            close = [found[place] for place in there]
            np.testing.assert_allclose(close, expected[there, sensor], atol=0.1)
            if line == "measured":  # a new stroke after each gap
                assert parts == 1 + (np.diff(there) > 1).sum()
        told = page.locator("#told").inner_text()
        error = np.nanmean(
            np.abs(forecast - values[FIRST[:, None] + np.arange(AHEAD)]), axis=(0, 1)
        )
        rank = 1 + (error > error[sensor]).sum()
        assert told.startswith(f"Sensor {NAMES[sensor]}: ") and f"rank {rank} of 4" in told
        assert float(re.search(r"windows ([\d.]+) km/h", told)[1]) == pytest.approx(
            error[sensor], abs=0.006
        )
        seen.append(page.locator("#chart").inner_html())
    assert len(set(seen)) == 3
    page.locator("#find").fill("a1")
    assert page.locator("#sensor option").all_inner_texts() == ["A1"]
    assert page.locator("#told").inner_text().startswith("Sensor A1: ")
    assert page.evaluate("window.broken") is None
    assert page.locator("script").count() == 2 and page.locator("body b, b b").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    loaded = page.locator("img").evaluate_all("all => all.map(image => image.naturalWidth)")
    assert len(loaded) == 5 and min(loaded) > 300
    assert heard == [made[0].as_uri()]


def test_components_reach_back_to_before_the_series(tmp_path):
    hours, season = 200, 24
    values = write(tmp_path / "speeds.csv", hours, list("ABCD"))
    stamps = np.datetime64("2024-01-01T00", "h") + np.arange(hours)
    calendar = datasets.calendar(stamps)
    model = models.GraphSTID(
        4,
        graph=graphs.scaled_laplacian(GRAPH),
        input_length={"recent": READ, "weekly": AHEAD},
        horizon=AHEAD,
        season=season,
    )
    model.adapt(values[:120, :, None], calendar[:120])
    metadata = dict.fromkeys("data split scaler seed command versions metrics".split())
    model.save_to_preset(tmp_path / "preset", metadata)
    options = ("--null-value", 0, "--out", tmp_path / "page.html")
    run(tmp_path / "preset", tmp_path / "speeds.csv", *options)
    first = np.arange(160 + READ, hours - AHEAD + 1)
    ahead = first[:, None] + np.arange(AHEAD)
    week_ago = np.where((ahead >= 168)[..., None], values[ahead - 168], np.nan)
    inputs = {
        "recent": values[first[:, None] - READ + np.arange(READ)][..., None],
        "weekly": week_ago[..., None].astype("float32"),
        "calendar": calendar[ahead].astype("float32"),
    }
    forecast = model.predict(inputs, verbose=0)[..., 0]
    page = (tmp_path / "page.html").read_text("utf-8")
    close(embedded(page)["lines"][1]["values"], forecast[:, 0].T, 0.051)
    assert "{&#x27;recent&#x27;: 6, &#x27;weekly&#x27;: 3}" in page and "Attention" not in page


@once
def test_what_does_not_fit_is_refused(tmp_path):
    values = write(tmp_path / "speeds.csv", names=list("ABCD"))
    graph = graphs.scaled_laplacian(GRAPH)
    small = {"graph": graph, "block_filters": ((4, 4, 4),), "output_filters": (4, 4)}
    for name, options in {"one": {}, "two": {"num_features": 2}, "season": {"season": 24}}.items():
        models.STGCN(4, horizon=3, **small, **options).save(tmp_path / f"{name}.keras")
    models.STGCNLinkPredictor(4).save(tmp_path / "links.keras")
    np.savez(tmp_path / "speeds.npz", speed=np.nan_to_num(values), step_minutes=60)
    np.savez(tmp_path / "bare.npz", speed=np.nan_to_num(values))
    for model, data, options, message in (
        ("links", "speeds.csv", (), "a forecaster on a fixed graph. It holds STGCNLinkPredictor"),
        ("two", "speeds.csv", (), r"features\) = \(4, 2\), .*speeds.csv \(4, 1\)"),
        ("season", "speeds.npz", (), "must have timestamps with 24 steps per day.*no timestamps"),
        ("one", "bare.npz", (), "has no time interval. Pass --interval MINUTES"),
        ("one", "speeds.csv", ("--steps", 4), "`steps` must be from 1 to 3"),
    ):
        with pytest.raises((UserError, ValueError), match=message):
            run(tmp_path / f"{model}.keras", tmp_path / data, *options)
    assert not list(tmp_path.glob("*.html"))


def test_a_model_that_reads_the_local_time_of_its_input(tmp_path):
    """Ten days of Paris in which the clocks change, as local times without a zone."""
    times = pd.date_range("2024-03-25", periods=240, freq="h", tz="Europe/Paris")
    values = np.random.default_rng(0).normal(size=(240, 4)).astype("float32")
    frame = pd.DataFrame(values, times.tz_localize(None).rename("time"), list("ABCD"))
    frame.to_csv(tmp_path / "speeds.csv")
    graph = graphs.scaled_laplacian(GRAPH)
    size = {"input_length": READ, "horizon": AHEAD, "season": 24, "past_calendar": True}
    model = models.GraphSTID(4, graph=graph, **size)
    series = datasets.from_pandas(frame.set_axis(times))
    model.adapt(series.values, series.calendar)
    starts = np.arange(150, 152)
    windows = reports.model_windows(model, series, starts)
    hours = times.hour.to_numpy()[starts[:, None] + np.arange(READ)]
    np.testing.assert_allclose(24 * windows[0][0]["past_calendar"][..., 0], hours, rtol=1e-6)
    assert model.predict(windows, verbose=0).shape == (2, AHEAD, 4, 1)
    model.save(tmp_path / "model.keras")
    words = tmp_path / "model.keras", tmp_path / "speeds.csv", "--out", tmp_path / "page.html"
    run(*words, "--timezone", "Europe/Paris")
    data = embedded((tmp_path / "page.html").read_text("utf-8"))
    assert data["zone"] == "Europe/Paris" and data["dated"]
    local = times.tz_localize(None).to_numpy()[192 + READ : 240 - AHEAD + 1]  # the last fifth
    np.testing.assert_array_equal(np.array(data["times"], "datetime64[ms]"), local)
    with pytest.raises(UserError, match="local times that skip an hour .* pass --timezone"):
        run(*words, "--overwrite")


@once
def test_places_of_the_sensors(tmp_path):
    series = datasets.from_arrays([[1.0, np.nan]], names=["a", "b"], interval=5, null_value=np.nan)
    path = tmp_path / "places.csv"
    path.write_text("id,lat,lon\nx,52,9\nb,50,8\na,51,8.5\n")
    assert with_places(series, path).places.tolist() == [[51, 8.5], [50, 8]]
    path.write_text("from,to\na,b\n")
    with pytest.raises(
        UserError, match="--places must be a file with the columns sensor, latitude"
    ):
        with_places(series, path)
