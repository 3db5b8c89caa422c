"""Pictures of graphs and of links show the numbers they were given, at the right place."""

import keras
import numpy as np
import pytest
import scipy.sparse
from pictures import drawn

from stgkeras import graphs, layers, metrics, plots

RING = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)
HOPS = (np.arange(8) - np.arange(8)[:, None]) % 8
HOPS = np.minimum(HOPS, 8 - HOPS)  # either way round
EVEN = np.array([1, 2, 2, 2, 1]) / 8  # share of the nodes at each distance


def test_adjacency_shares_one_scale(tmp_path):
    matrices = {"next graph": np.eye(4), "predicted": np.full((4, 4), 0.25)}
    figure = plots.adjacency(matrices, title="a window")
    images = [axes.images[0] for axes in figure.axes[:2]]
    assert [image.get_clim() for image in images] == [(0, 1), (0, 1)]
    np.testing.assert_allclose(images[1].get_array(), matrices["predicted"])
    figure.savefig(tmp_path / "graphs.png")
    assert (tmp_path / "graphs.png").stat().st_size > 1000


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


def test_values_stand_at_their_nodes(tmp_path):
    adjacency = np.zeros((4, 4))
    adjacency[1, 0] = adjacency[2, 1] = 0.5
    places = np.array([[0.0, 0], [1, 2], [3, 1], [4, 4]])
    errors = np.array([3.0, np.nan, 1.0, 2.0])
    figure = plots.graph(adjacency, errors, places, title="a map", label="error (km/h)")
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


def test_a_graph_is_laid_out_by_its_edges(tmp_path):
    path = np.diag(np.ones(5), k=1)
    figures = [plots.graph(path, np.arange(6.0)) for _ in range(2)]
    places, again = (np.asarray(f.axes[0].collections[2].get_offsets()) for f in figures)
    np.testing.assert_array_equal(places, again)
    from_end = np.linalg.norm(places - places[0], axis=1)
    assert (np.diff(from_end) > 0.1).all()
    drawn(figures[0], tmp_path / "graph.png")


def test_a_part_stands_out_with_its_halo(tmp_path):
    path = np.eye(8, k=1) + 2 * np.eye(8, k=-1)
    places = np.stack([np.arange(8.0), np.arange(8.0) % 2], axis=1)
    parts = graphs.Partition(tuple(np.arange(8).reshape(4, 2)), (), 6, 0.4)
    parts = parts._replace(halo=tuple(map(np.array, ([2, 3, 4], [], [1, 2, 3, 6, 7], []))))
    for graph in (path, scipy.sparse.csr_array(path)):
        figure = plots.partition(graph, places, parts, part=2, title="a road")
        own, cut, inner, near, far, others = (
            one for one in figure.axes[0].collections if one.get_paths() and len(one.get_offsets())
        )
        cuts = [[int(x) for x, _ in line] for line in cut.get_segments()]
        assert sorted(cuts) == [[1, 2], [2, 1], [3, 4], [4, 3], [5, 6], [6, 5]]
        assert len(own.get_segments()) == 8
        shown = [one.get_offsets()[:, 0].tolist() for one in (inner, near, far, others)]
        assert shown == [[4, 5], [3, 6], [1, 2, 7], [0]]
        fills = [tuple(fill) for one in (inner, near, far) for fill in one.get_facecolors()]
        assert fills[0] == fills[1] and fills[2] == fills[5] and fills[3] == fills[6]
        assert len(set(fills)) == 4
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[:2] == ["inner nodes of part 2 (2)", "halo, 1 hop (2)"]
    drawn(figure, tmp_path / "parts.png")


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


def blocks(groups):
    """Attention (n, n) within groups of nodes alone, as strong between any two of a group."""
    same = np.equal.outer(groups, groups)
    return same / same.sum(axis=1, keepdims=True)


def test_clustering_puts_nodes_that_attend_alike_side_by_side(tmp_path):
    groups = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], 4))
    names = [f"s{n}" for n in range(12)]
    steps = np.full((3, 3), 1 / 3)
    figure = plots.attention(
        {"steps": steps, "nodes": blocks(groups)[None]}, clustered=["nodes"], names=names
    )
    plain, axes = figure.axes[:2]
    shown = np.asarray(axes.images[0].get_array())
    # The blocks lie on the diagonal, whatever their order.
    np.testing.assert_allclose(shown, np.kron(np.eye(3), np.full((4, 4), 0.25)))
    ticks, labels = axes.get_yticks(), [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [text.get_text() for text in axes.get_xticklabels()] and len(ticks) == 6
    told = {
        place // 4: groups[names.index(name)] for place, name in zip(ticks, labels, strict=True)
    }
    assert sorted(told.values()) == [0, 1, 2]
    for place, name in zip(ticks, labels, strict=True):
        assert groups[names.index(name)] == told[place // 4]
    assert axes.get_xlabel() == "attended to, clustered" and plain.get_xlabel() == "attended to"
    drawn(figure, tmp_path / "clusters.png")


def test_clusters_move_rows_and_columns_together():
    rng = np.random.default_rng(0)
    nodes = rng.dirichlet(np.ones(7), size=7)
    axes = plots.attention({"nodes": nodes}, clustered=["nodes"]).axes[0]
    order = [int(text.get_text()) for text in axes.get_yticklabels()]
    assert sorted(order) == list(range(7))
    np.testing.assert_array_equal(axes.images[0].get_array(), nodes[np.ix_(order, order)])
    pair = plots.attention({"nodes": nodes[:2, :2]}, clustered=["nodes"]).axes[0]
    np.testing.assert_array_equal(pair.images[0].get_array(), nodes[:2, :2])


def test_long_names_leave_room_for_the_picture(tmp_path):
    names = ["Main Street, northbound", "$a$_$", "C"]
    figure = plots.attention({"nodes": np.eye(3)}, clustered=["nodes"], names=names)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert sorted(labels) == ["$a$_$", "C", "Main Stre…"]
    drawn(figure, tmp_path / "names.png")


def test_clusters_of_what_is_not_there_are_refused():
    with pytest.raises(ValueError, match=r"are \['nodes'\]. Received: .* Remove \['sensors'\]"):
        plots.attention({"nodes": np.eye(3)}, clustered=["nodes", "sensors"])
    with pytest.raises(ValueError, match="one name per node, 3 names. Received: 2 names"):
        plots.attention({"nodes": np.eye(3)}, clustered=["nodes"], names=["a", "b"])


def test_reliability_of_a_calibrated_predictor_lies_on_the_diagonal(tmp_path):
    rng = np.random.default_rng(0)
    probability = rng.random((40, 40, 40))
    truth = rng.random(probability.shape) < probability
    curves = {
        "calibrated": metrics.reliability(truth, probability, directed=True),
        "too sure": metrics.reliability(truth, probability**0.5, directed=True),
    }
    axes = plots.reliability(curves, title="links").axes[0]
    line, *others = (line for line in axes.lines if len(line.get_xdata()))
    assert axes.get_xscale() == axes.get_yscale() == "linear"
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    np.testing.assert_allclose(others[0].get_ydata(), others[0].get_xdata(), atol=0.02)
    # Of probabilities √p the bins hold p in [0, 0.1], …: a share of 0.05, 0.15, …
    np.testing.assert_allclose(others[1].get_ydata(), np.arange(0.05, 1, 0.1), atol=0.02)
    assert (others[1].get_ydata() < others[1].get_xdata()).all()
    assert others[0].get_linestyle() != others[1].get_linestyle()
    assert others[0].get_marker() != others[1].get_marker()
    drawn(axes.figure, tmp_path / "reliability.png")


def test_reliability_of_rare_links_is_logarithmic(tmp_path):
    means, shares = np.array([1e-9, 0.001, 0.002, 0.1]), np.array([0, 0.001, 0, 0.2])
    axes = plots.reliability({"rare": (means, shares)}).axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    _, line, none = axes.lines
    np.testing.assert_allclose(line.get_ydata(), [np.nan, 0.001, np.nan, 0.2])
    np.testing.assert_allclose(line.get_xdata(), [0.0002, 0.001, 0.002, 0.1])  # 0.001 / 5 at least
    np.testing.assert_allclose(none.get_xdata(), [0.0002, 0.002])
    np.testing.assert_allclose(none.get_ydata(), 0.0002)
    assert axes.get_ylim()[0] < 0.0002 and axes.get_xlim()[1] > 1
    drawn(axes.figure, tmp_path / "rare.png")
    nothing = plots.reliability({"no link": (means, np.zeros(4))}).axes[0]
    assert nothing.get_yscale() == "linear"
    with pytest.raises(ValueError, match="at most 4 curves. Received: curves="):
        plots.reliability(dict.fromkeys("abcde", (means, shares)))


def test_the_legend_of_a_reliability_diagram_fits_the_figure():
    for labels in (
        ["STGCN", "last graph"],
        ["STGCN", "mean of the window"],
        ["STGCN", "mean of all contacts", "logistic regression on the four above", "x"],
    ):
        curves = dict.fromkeys(labels, (np.array([0.1, 0.9]), np.array([0.2, 0.8])))
        figure = plots.reliability(curves)
        figure.draw_without_rendering()
        legend, axes = figure.legends[0], figure.axes[0]
        shown = [text.get_text() for text in legend.get_texts()]
        assert shown[:2] == ["calibrated", "STGCN"] and len(shown) == 1 + len(labels)
        box = legend.get_window_extent()
        assert 0 < box.x0 and box.x1 < figure.bbox.width and 0 < box.y0
        top = legend.get_texts()[0].get_window_extent().y1
        assert top < axes.xaxis.label.get_window_extent().y0
        assert axes.get_window_extent().width > 0.7 * figure.bbox.width
