"""Pictures show the numbers they were given, at the right place."""

import numpy as np
import pytest

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


def test_adjacency_shares_one_scale(tmp_path):
    matrices = {"next graph": np.eye(4), "predicted": np.full((4, 4), 0.25)}
    figure = plots.adjacency(matrices, title="a window")
    images = [axes.images[0] for axes in figure.axes[:2]]
    assert [image.get_clim() for image in images] == [(0, 1), (0, 1)]
    np.testing.assert_allclose(images[1].get_array(), matrices["predicted"])
    figure.savefig(tmp_path / "graphs.png")
    assert (tmp_path / "graphs.png").stat().st_size > 1000


@pytest.mark.parametrize("minutes", [None, 5])
def test_forecast_figure_can_be_saved(minutes, tmp_path):
    truth = np.random.default_rng(0).normal(size=(30, 12))
    figure = plots.forecast(truth, truth, {"15 min": 3, "60 min": 12}, step_minutes=minutes)
    figure.savefig(tmp_path / "forecast.png")
    assert (tmp_path / "forecast.png").stat().st_size > 1000
