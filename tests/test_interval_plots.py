"""Pictures of quantiles show their levels, coverage and width at the right place."""

import numpy as np
import pandas as pd
import pytest
from pictures import drawn

from stgkeras import datasets, plots, reports

LEVELS = (0.25, 0.5, 0.75)


def test_levels_coverage_and_width_by_hour(tmp_path):
    """At hour 3, half of the readings are inside an interval of width 2, at hour 15 all of 4."""
    truth = np.array([[0.0, 5.0], [9.0, 6.0], [np.nan, 7.0]])
    hours = np.tile([3.0, 15.9], (3, 1))
    low = np.where(hours < 12, -1.0, 4.0)
    width = np.where(hours < 12, 2.0, 4.0)
    quantiles = np.stack([low, low + width / 2, low + width], axis=-1)
    figure = plots.intervals(truth, quantiles, LEVELS, hours, title="levels", units="km/h")
    share, coverage, widths = figure.axes
    line = share.lines[1]
    assert line.get_xdata().tolist() == list(LEVELS)
    # Of 0, 9, 5, 6 and 7: none is below the first, 0, 5 and 6 below the second, and 9 above all.
    np.testing.assert_allclose(line.get_ydata(), [0, 3 / 5, 4 / 5])
    inside, mean = coverage.lines[1].get_ydata(), widths.lines[0].get_ydata()
    assert inside[3] == 0.5 and inside[15] == 1 and np.isnan(np.delete(inside, [3, 15])).all()
    assert mean[3] == 2 and mean[15] == 4
    assert coverage.lines[0].get_ydata()[0] == 0.5  # the level of the interval
    assert "km/h" in widths.get_ylabel() and figure.get_suptitle() == "levels"
    drawn(figure, tmp_path / "intervals.png")
    with pytest.raises(ValueError, match="`quantiles` must have the axes of `truth`"):
        plots.intervals(truth, quantiles[..., :2], LEVELS, hours)
    with pytest.raises(ValueError, match="`hours` must have shape"):
        plots.intervals(truth, quantiles, LEVELS, hours[:2])


def test_a_fan_in_local_time():
    truth = np.arange(5.0)[:, None] + np.arange(3)
    times = pd.date_range("2024-10-27 00:00", periods=7, freq="h", tz="Europe/Vienna")
    bands = {"50 %": (truth - 1, truth + 1)}
    axes = plots.forecast_fan(truth, truth, bands=bands, times=times).axes[0]
    utc = times.tz_convert("UTC").tz_localize(None).to_numpy()
    measured, first = axes.lines[:2]
    assert (np.asarray(measured.get_xdata(), "datetime64[us]") == utc).all()
    assert (np.asarray(first.get_xdata(), "datetime64[us]") == utc[:4]).all()
    assert axes.get_xlabel() == "local time, Europe/Vienna"
    for wrong in ({"times": times[1:]}, {"times": times, "step_minutes": 60}):
        with pytest.raises(ValueError, match="`times` must have one time for each of the 7 steps"):
            plots.forecast_fan(truth, truth, **wrong)


def test_a_report_with_quantiles(tmp_path):
    times = pd.date_range("2024-05-01", periods=72, freq="h", tz="Europe/Vienna")
    frame = pd.DataFrame(np.random.default_rng(0).normal(50, 5, (72, 2)), times, ["A", "B"])
    series = datasets.from_pandas(frame, [[0, 1], [1, 0]], units="km/h")
    first = np.arange(12, 71)
    ahead = first[:, None] + np.arange(2)
    forecast = np.full((59, 2, 2, 1), 50.0)
    quantiles = np.stack([forecast - 20, forecast, forecast + 20], axis=-1)
    options = {"quantiles": quantiles, "levels": LEVELS}
    compared = reports.Comparison(series, first, {"ours": forecast}, **options)
    found = reports.pictures(compared)
    assert list(found) == ["forecast", "errors", "intervals", "fan", "sensors", "most"]
    inside = (np.abs(series.values[ahead] - 50) <= 20).mean()
    assert compared.facts()["Intervals"] == f"share of readings inside: {inside:.1%} in 50 %"
    reports.write_page(tmp_path / "report.html", compared)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("<figcaption>Forecasts with their interval") == 1
    assert page.count("<figcaption>Levels of the quantiles") == 1
    with pytest.raises(ValueError, match="`quantiles` must have the shape"):
        reports.Comparison(series, first, {"ours": forecast}, quantiles=quantiles, levels=(0.5,))
