"""Pictures of the next graph, against sets of pairs made by hand."""

import itertools

import numpy as np
import pytest

from stgkeras import plots

NAMES = ["ann", "bob", "cleo", "dan", "eve"]


def parts(figure):
    """{label: pairs of places} of the three kinds of links, and {name: place}."""
    axes = figure.axes[0]
    names = {text.get_text(): text.xy for text in axes.texts}
    places = {tuple(np.round(place, 6)): name for name, place in names.items()}
    found = {}
    for lines in axes.collections:
        ends = [[places[tuple(np.round(end, 6))] for end in line] for line in lines.get_segments()]
        found[lines.get_label()] = {tuple(pair) for pair in ends}
    return found, names


def test_undirected_links_are_told_apart():
    truth, probability = np.zeros((2, 5, 5))
    for n, m, p in ((0, 1, 0.9), (1, 2, 0.1), (0, 2, 0.5), (2, 3, 0.4)):
        probability[n, m] = probability[m, n] = p
    for n, m in ((0, 1), (1, 2)):
        truth[n, m] = truth[m, n] = 3.0
    found, names = parts(plots.predicted_links(truth, probability, NAMES))
    assert found == {
        "true positive (1)": {("ann", "bob")},
        "false negative (1)": {("bob", "cleo")},
        "false positive (1)": {("ann", "cleo")},
    }
    assert set(names) == {"ann", "bob", "cleo"}  # dan and eve have no part in it
    assert parts(plots.predicted_links(truth, probability, NAMES))[1] == names


def test_directed_links_count_twice():
    truth, probability = np.zeros((2, 3, 3))
    truth[0, 1] = truth[1, 0] = truth[2, 0] = 1
    probability[0, 1], probability[2, 0], probability[0, 2] = 0.9, 0.8, 0.7
    found, _ = parts(plots.predicted_links(truth, probability, directed=True))
    assert found["true positive (2)"] == {("0", "1"), ("2", "0")}
    assert found["false negative (1)"] == {("1", "0")}
    assert found["false positive (1)"] == {("0", "2")}


def test_a_graph_without_links_is_refused():
    with pytest.raises(
        ValueError, match="`truth` must have a link .* Received: a graph without links"
    ):
        plots.predicted_links(np.eye(3), np.ones((3, 3)))


def test_bars_of_likely_links():
    figure = plots.likely_links({"a – b": 0.01, "b – c": 0.04, "a – c": 0.02})
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.04, 0.02, 0.01]
    assert figure.axes[0].yaxis_inverted()


def test_tick_labels_and_bar_labels_of_likely_links_are_apart():
    for scale in (1.0, 0.0026, 0.00021):
        ties = {f"green{n} – red{n}": scale * (1 - 0.06 * n) for n in range(10)}
        figure = plots.likely_links(ties)
        figure.draw_without_rendering()
        axes = figure.axes[0]
        ticks = [text.get_window_extent() for text in axes.get_xticklabels()]
        assert len(ticks) >= 3
        assert min(right.x0 - left.x1 for left, right in itertools.pairwise(ticks)) > 20
        edge = axes.get_window_extent().x1
        assert max(text.get_window_extent().x1 for text in axes.texts) < edge


def test_undirected_links_are_symmetric():
    truth = np.zeros((3, 3))
    truth[2, 0] = 1
    with pytest.raises(ValueError, match=r"a link at truth\[2, 0\], and none at truth\[0, 2\]. Pa"):
        plots.predicted_links(truth, truth)
    plots.predicted_links(truth, truth, directed=True)


def test_baselines_of_likely_links_are_lines():
    shares = {"share of all pairs": 0.005, "last year": 0.02}
    figure = plots.likely_links({"a – b": 0.01}, baselines=shares)
    lines = figure.axes[0].lines
    assert [line.get_xdata()[0] for line in lines] == [0.005, 0.02]
    assert len({line.get_linestyle() for line in lines}) == 2
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["share of all pairs: 0.005", "last year: 0.02"]
    assert not plots.likely_links({"a – b": 0.01}).legends
