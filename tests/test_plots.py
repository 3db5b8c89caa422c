"""Pictures of forecasts show the numbers they were given, at the right place."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import dates
from pictures import drawn

from stgkeras import plots


def test_forecast_lines_stand_at_the_time_they_predict():
    truth = np.arange(8.0)[:, None] + np.arange(3)  # window i, step h: the value i + h
    axes = plots.forecast(truth, truth + 0.5, {"1": 1, "3": 3}, step_minutes=30, units="mph").axes[
        0
    ]
    measured, one, three = axes.lines
    np.testing.assert_allclose(measured.get_xdata(), np.arange(8) / 2)  # hours
    np.testing.assert_allclose(one.get_ydata(), measured.get_ydata() + 0.5)
    # What was said three steps ahead of time t was said by the window two steps earlier.
    np.testing.assert_allclose(three.get_xdata(), np.arange(2, 8) / 2)
    np.testing.assert_allclose(three.get_ydata(), np.arange(2, 8) + 0.5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("hours", "mph")


@pytest.mark.parametrize("minutes", [None, 5])
def test_forecast_figure_can_be_saved(minutes, tmp_path):
    truth = np.random.default_rng(0).normal(size=(30, 12))
    figure = plots.forecast(truth, truth, {"15 min": 3, "60 min": 12}, step_minutes=minutes)
    figure.savefig(tmp_path / "forecast.png")
    assert (tmp_path / "forecast.png").stat().st_size > 1000


def test_forecasts_are_drawn_in_local_time_beside_a_baseline(tmp_path):
    truth = np.arange(8.0)[:, None] + np.arange(3)
    base = {"usual day": np.full((8, 3), 4.0) + np.arange(3)}
    # The clocks go back at 03:00 of the third hour.
    times = pd.date_range("2024-10-27 00:00", periods=8, freq="h", tz="Europe/Vienna")
    figure = plots.forecast(truth, truth, {"1 h": 1, "3 h": 3}, times=times, baseline=base)
    axes = figure.axes[0]
    measured, _, late, usual = axes.lines
    utc = times.tz_convert("UTC").tz_localize(None).to_numpy()
    assert (np.asarray(measured.get_xdata(), "datetime64[us]") == utc).all()
    assert (np.asarray(late.get_xdata(), "datetime64[us]") == utc[2:]).all()
    np.testing.assert_array_equal(usual.get_ydata(), np.full(6, 6.0))
    assert usual.get_label() == "usual day" and usual.get_linestyle() == ":"
    assert axes.get_xlabel() == "local time, Europe/Vienna"
    drawn(figure, tmp_path / "clock.png")
    shown = [label.get_text() for label in axes.get_xticklabels()]
    where = dict(zip(shown, axes.get_xticks(), strict=True))
    day = dates.date2num(np.datetime64("2024-10-27"))
    assert (where["01:00"] - day) * 24 == pytest.approx(-1)  # UTC
    assert (where["05:00"] - day) * 24 == pytest.approx(4)
    plain = plots.forecast(truth, truth, {"1 h": 1}, times=times.tz_localize(None)).axes[0]
    assert plain.get_xlabel() == "time"
    for wrong in ({"times": times[1:]}, {"times": times, "step_minutes": 60}):
        with pytest.raises(
            ValueError, match="`times` must have one time for each of the 8 windows"
        ):
            plots.forecast(truth, truth, {"1 h": 1}, **wrong)


def test_errors_in_time_are_means_of_the_readings_that_are_there(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 3, 5, 1))
    truth[rng.random(truth.shape) < 0.2] = np.nan
    hours = (np.arange(40)[:, None] + np.arange(3)) * 0.5 % 24  # to 20:30
    truth[hours.astype(int) == 7] = np.nan
    predicted = {"ours": rng.normal(size=truth.shape), "last value": np.zeros(truth.shape)}
    figure = plots.errors_in_time(truth, predicted, hours, step_minutes=30, units="mph")
    by_step, by_hour = figure.axes
    for i, forecast in enumerate(predicted.values()):
        error = np.abs(forecast - truth)
        expected = [np.nanmean(error[:, step]) for step in range(3)]
        np.testing.assert_allclose(by_step.lines[i].get_xdata(), [30, 60, 90])
        np.testing.assert_allclose(by_step.lines[i].get_ydata(), expected)
        line = dict(zip(by_hour.lines[i].get_xdata(), by_hour.lines[i].get_ydata(), strict=True))
        for hour in (0, 1, 11, 20):
            at_hour = (hours >= hour) & (hours < hour + 1)
            assert line[hour + 0.5] == pytest.approx(np.nanmean(error[at_hour]))
        assert np.isnan([line[7.5], line[21.5]]).all()
    assert (by_step.get_xlabel(), by_hour.get_xlabel()) == ("minutes ahead", "hour of day")
    assert by_step.get_ylabel() == "mean absolute error\n(mph)" and by_step.get_ylim()[0] == 0
    assert by_step.lines[0].get_linestyle() != by_step.lines[1].get_linestyle()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(predicted)
    drawn(figure, tmp_path / "errors.png")


def test_errors_in_time_hide_no_failed_forecast():
    truth, hours = np.zeros((4, 2, 1)), np.zeros((4, 2))
    failed = truth.copy()
    failed[0, 1] = np.nan
    line = plots.errors_in_time(truth, {"ours": failed}, hours).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), [0, np.nan])
    with pytest.raises(ValueError, match=r"the shape of `truth`, \(4, 2, 1\). Received: .*'a'"):
        plots.errors_in_time(truth, {"a": truth[..., None]}, hours)
    with pytest.raises(ValueError, match="at most 4 forecasts. Received: predicted="):
        plots.errors_in_time(truth, dict.fromkeys("abcde", truth), hours)


def fan(truth, predicted, **options):
    """The measured line, and the lines of forecasts."""
    axes = plots.forecast_fan(truth, predicted, **options).axes[0]
    return axes, axes.lines[0], axes.lines[1:]


def test_a_fan_starts_at_the_reading_before_each_forecast(tmp_path):
    truth = np.arange(9.0)[:, None] + np.arange(3)  # window i, step h: the value i + h
    predicted = 100 * np.arange(9.0)[:, None] + np.arange(3)
    axes, measured, forecasts = fan(truth, predicted, step_minutes=30, units="mph", title="A1")
    np.testing.assert_allclose(measured.get_xdata(), np.arange(11) / 2)  # hours
    np.testing.assert_allclose(measured.get_ydata(), np.arange(11))
    # Windows 1, 4 and 7; the last reading before the first of them is that of time 0.
    assert [line.get_xdata().tolist() for line in forecasts] == [
        [0, 0.5, 1, 1.5],
        [1.5, 2, 2.5, 3],
        [3, 3.5, 4, 4.5],
    ]
    assert [line.get_ydata().tolist() for line in forecasts] == [
        [0, 100, 101, 102],
        [3, 400, 401, 402],
        [6, 700, 701, 702],
    ]
    assert {line.get_linestyle() for line in forecasts} == {"-"}
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("hours", "mph", "A1")
    drawn(axes.figure, tmp_path / "fan.png")


def test_forecasts_of_a_fan_that_overlap_differ_and_have_bands(tmp_path):
    truth = np.zeros((7, 4))
    bands = {"80 %": (truth - 2, truth + 3), "50 %": (truth - 1, truth + 1)}
    axes, _, forecasts = fan(truth, truth, every=2, bands=bands)
    assert [line.get_linestyle() for line in forecasts] == ["-", "--", "-"]
    spans = [band.get_datalim(axes.transData) for band in axes.collections]
    assert [(box.x0, box.x1, box.y0, box.y1) for box in spans] == [
        (first, first + 3, low, high) for first in (1, 3, 5) for low, high in ((-2, 3), (-1, 1))
    ]
    legend = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert sorted(legend) == ["50 %", "80 %", "forecast", "measured", "next forecast"]
    drawn(axes.figure, tmp_path / "fan.png")


def test_a_fan_of_other_shapes_is_refused():
    truth = np.zeros((4, 3))
    with pytest.raises(ValueError, match=r"one shape \(windows, horizon\).*\(4, 2\)"):
        plots.forecast_fan(truth, truth[:, :2])
    with pytest.raises(ValueError, match=r"shape \(4, 3\), .* \[\(4, 3\), \(4, 3\), \(3,\)\]"):
        plots.forecast_fan(truth, truth, bands={"80 %": (truth, truth[0])})
    with pytest.raises(ValueError, match="at least two windows"):
        plots.forecast_fan(truth[:1], truth[:1])


def test_sensors_are_sorted_by_the_errors_of_the_first_forecast(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(30, 3, 6, 2))
    truth[rng.random(truth.shape) < 0.3] = np.nan
    truth[:, :, 4] = np.nan
    scale = np.array([3.0, 0.5, 5, 1, 9, 2])[:, None]
    forecasts = {"ours": truth + scale, "other": rng.normal(size=truth.shape)}
    figure = plots.errors_by_sensor(truth, forecasts, list("ABCDEF"), most=4, units="mph")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == list("CAFD")
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([5, 3, 2, 1])
    places = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    np.testing.assert_allclose(places, axes.get_yticks())
    expected = np.nanmean(np.abs(forecasts["other"] - truth)[:, :, [2, 0, 5, 3]], axis=(0, 1, 3))
    np.testing.assert_allclose(axes.lines[0].get_xdata(), expected)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), places)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the largest on top
    assert axes.get_xlabel() == "mean absolute error (mph)"
    assert axes.get_ylabel() == "sensor (worst 4 of 6)"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["ours", "other"]
    drawn(figure, tmp_path / "sensors.png")
    with pytest.raises(ValueError, match="the shape of `truth`"):
        plots.errors_by_sensor(truth, {"ours": truth[:1]})
    forecasts["ours"][:, :, 3] = np.nan  # a forecast that failed does not hide among the best
    axes = plots.errors_by_sensor(truth, forecasts, list("ABCDEF"), most=2).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == list("DC")
