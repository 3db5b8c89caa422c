"""Pictures show the numbers they were given, at the right place."""

import keras
import numpy as np
import pytest

from stgkeras import graphs, layers, plots

RING = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)
HOPS = (np.arange(8) - np.arange(8)[:, None]) % 8
HOPS = np.minimum(HOPS, 8 - HOPS)  # either way round
EVEN = np.array([1, 2, 2, 2, 1]) / 8  # share of the nodes at each distance


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


def test_spectral_filters_of_the_identity_and_the_mean():
    identity, mean = np.eye(8), np.full((8, 8), 1 / 8)
    eigenvalues, eigenvectors = graphs.fourier_basis(RING)
    operators = {"identity": np.stack([identity, -2 * identity]), "mean": mean[None]}
    figure = plots.spectral_filters(operators, eigenvalues, eigenvectors, HOPS, title="a ring")
    identity, mean, identity_reach, mean_reach = figure.axes
    np.testing.assert_allclose(identity.lines[0].get_xdata(), eigenvalues)
    np.testing.assert_allclose(identity.lines[0].get_ydata(), 1)
    np.testing.assert_allclose(identity.lines[1].get_ydata(), -2)
    np.testing.assert_allclose(mean.lines[0].get_ydata(), [1] + 7 * [0], atol=1e-12)
    assert [bar.get_height() for bar in identity_reach.patches] == [1, 0, 0, 0, 0]
    assert [text.get_position()[0] for text in identity_reach.texts] == [1, 2, 3, 4]
    np.testing.assert_allclose([bar.get_height() for bar in mean_reach.patches], EVEN)
    np.testing.assert_allclose(mean_reach.lines[0].get_ydata(), EVEN)
    assert not mean_reach.texts


def test_spectral_filters_show_how_far_chebyshev_terms_reach(tmp_path):
    operator = graphs.scaled_laplacian(RING)
    layer = layers.ChebConv(5, K=3, use_bias=False)
    impulses = np.eye(8, dtype="float32")[..., None]
    maps = keras.ops.convert_to_numpy(layer(impulses, operator.astype("float32")))
    maps = maps.transpose(2, 1, 0)
    eigenvalues, eigenvectors = graphs.fourier_basis(RING)
    figure = plots.spectral_filters({"ChebNet": maps}, eigenvalues, eigenvectors, HOPS)
    response, reach = figure.axes
    kernel = keras.ops.convert_to_numpy(layer.kernel)[:, 0]  # (K, filters)
    scaled = 2 * eigenvalues / eigenvalues.max() - 1
    for line, weights in zip(response.lines, kernel.T, strict=False):
        expected = np.polynomial.chebyshev.chebval(scaled, weights)
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-5)
    heights = [bar.get_height() for bar in reach.patches]
    assert min(heights[:3]) > 0 and heights[3:] == [0, 0]
    assert sum(heights) == pytest.approx(1)
    figure.savefig(tmp_path / "filters.png")
    assert (tmp_path / "filters.png").stat().st_size > 1000


def test_spectral_filters_leave_out_pairs_that_no_path_joins():
    hops = np.where(np.eye(4, dtype=bool), 0, np.inf)
    hops[0, 1] = hops[1, 0] = 1
    figure = plots.spectral_filters({"all": np.ones((1, 4, 4))}, np.zeros(4), np.eye(4), hops)
    assert [bar.get_height() for bar in figure.axes[1].patches] == pytest.approx([4 / 6, 2 / 6])
