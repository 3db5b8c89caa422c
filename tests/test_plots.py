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


def drawn(figure, path):
    """The pixels of the saved figure, which must not be blank."""
    from matplotlib.image import imread

    figure.savefig(path)
    pixels = imread(path)[..., :3]
    assert pixels.std() > 0.05
    return pixels


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
    with pytest.raises(ValueError, match="at most 4 forecasts"):
        plots.errors_in_time(truth, dict.fromkeys("abcde", truth), hours)


def test_errors_on_graph_stand_at_their_nodes(tmp_path):
    adjacency = np.zeros((4, 4))
    adjacency[1, 0] = adjacency[2, 1] = 0.5
    places = np.array([[0.0, 0], [1, 2], [3, 1], [4, 4]])
    errors = np.array([3.0, np.nan, 1.0, 2.0])
    figure = plots.errors_on_graph(adjacency, errors, places, title="a map", units="km/h")
    axes, bar = figure.axes
    edges, missing, points = axes.collections
    segments = [segment.tolist() for segment in edges.get_segments()]
    assert segments == [[[1, 2], [0, 0]], [[3, 1], [1, 2]]]
    np.testing.assert_allclose(missing.get_offsets(), places[[1]])
    np.testing.assert_allclose(points.get_offsets(), places[[0, 2, 3]])
    np.testing.assert_allclose(points.get_array(), [3, 1, 2])
    light = points.get_cmap()(points.norm([1.0, 2.0, 3.0]))[:, :3] @ [0.3, 0.6, 0.1]
    assert (np.diff(light) < -0.1).all()  # darker, the larger: told apart in greyscale
    assert (axes.get_xlabel(), bar.get_ylabel()) == ("km", "error (km/h)")
    drawn(figure, tmp_path / "map.png")


def test_errors_on_graph_are_laid_out_by_the_edges(tmp_path):
    path = np.diag(np.ones(5), k=1)
    figures = [plots.errors_on_graph(path, np.arange(6.0)) for _ in range(2)]
    places, again = (np.asarray(f.axes[0].collections[2].get_offsets()) for f in figures)
    np.testing.assert_array_equal(places, again)
    from_end = np.linalg.norm(places - places[0], axis=1)
    assert (np.diff(from_end) > 0.1).all()
    drawn(figures[0], tmp_path / "graph.png")


def test_attention_is_the_mean_over_windows_and_heads(tmp_path):
    rng = np.random.default_rng(0)
    steps = rng.dirichlet(np.ones(3), size=(7, 2, 3))  # windows, heads, row, column
    nodes = rng.dirichlet(np.ones(5), size=(7, 5))
    scores = {"steps": steps, "nodes": nodes, "again": nodes}
    figure = plots.attention(scores, title="7 windows")
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == list(scores)
    shown = [axes.images[0].get_array() for axes in panels]
    flat = steps.reshape(14, 3, 3)
    np.testing.assert_allclose(shown[0], sum(flat) / 14)
    np.testing.assert_allclose(shown[1], sum(nodes) / 7)
    assert [axes.images[0].get_clim()[0] for axes in panels] == [0, 0, 0]
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("attended to", "attending")
    drawn(figure, tmp_path / "attention.png")
