"""Figures of classifiers: errors by epoch, and classes in the plane."""

import numpy as np
import pytest
import scipy.sparse
from pictures import drawn

from stgkeras import plots


def test_errors_by_epoch_and_baselines(tmp_path):
    curves = {"GCN": [0.5, 0.75, 0.9], "ChebNet": [0.8, 1.0]}
    figure = plots.accuracies(curves, baselines={"words": 0.6}, title="Cora", label="error (%)")
    axes = figure.axes[0]
    gcn, chebnet, words = axes.lines
    np.testing.assert_allclose(gcn.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(gcn.get_ydata(), [50, 25, 10])
    np.testing.assert_allclose(chebnet.get_ydata(), [20, np.nan])  # no logarithm of 0
    np.testing.assert_allclose(words.get_ydata(), 40)
    assert axes.get_yscale() == "log" and axes.get_ylabel() == "error (%)"
    assert axes.get_title() == "Cora" and axes.get_xlabel() == "epoch"
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["GCN", "ChebNet", "words"]
    assert gcn.get_marker() != chebnet.get_marker()
    drawn(figure, tmp_path / "errors.png")
    drawn(plots.accuracies({"perfect": [1.0, 1.0]}), tmp_path / "perfect.png")


@pytest.mark.parametrize(
    ("curves", "baselines", "message"),
    [
        ({}, None, "`curves` must have at least one entry"),
        (
            {str(n): [0.5] for n in range(9)},
            None,
            "at most 8 curves. Received: 9 curves",
        ),
        ({"GCN": [50, 81.5]}, None, "`curves` must hold .* curves\\['GCN'\\] .* from 50 to 81.5"),
        ({"GCN": [0.5, np.nan]}, None, "`curves` must hold accuracies in"),
        ({"GCN": [0.5]}, {"words": 57.6}, "`baselines` must hold accuracies .* Divide percent"),
    ],
)
def test_bad_accuracies(curves, baselines, message):
    with pytest.raises(ValueError, match=message):
        plots.accuracies(curves, baselines=baselines)


def test_classes_have_markers_and_names(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.array([0, 2, 2, -1, 0, 2, 2, 0])
    flat, deep = rng.normal(size=(8, 2)), rng.normal(size=(60, 5))
    figure = plots.classes({"flat": flat}, labels, names=["a", "b", "c"], title="papers")
    groups = figure.axes[0].collections
    for group, label in zip(groups, (0, 2), strict=True):  # none for the point without a class
        np.testing.assert_allclose(group.get_offsets(), flat[labels == label])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "c"]
    labels = np.repeat([0, 1, 2], 20)
    deep[labels == 1, 0] += 50
    figure = plots.classes({"deep": deep, "sparse": scipy.sparse.csr_array(deep)}, labels)
    assert [axes.get_title() for axes in figure.axes] == ["deep", "sparse"]
    for axes in figure.axes:  # a class that lies apart stays apart
        places = [group.get_offsets() for group in axes.collections]
        others = np.concatenate([places[0], places[2]])
        gaps = np.linalg.norm(places[1][:, None] - others, axis=-1).min(axis=1)
        own = np.linalg.norm(places[1][:, None] - places[1], axis=-1) + 1e9 * np.eye(20)
        assert (own.min(axis=1) < gaps).mean() > 0.9
    drawn(figure, tmp_path / "classes.png")


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (np.ones((9, 2)), range(9), "`labels` must have at most 8 classes. Received: 9 classes"),
        (np.ones((9, 1)), 9 * [0], r"`features` must hold .* features\['x'\] of shape \(9, 1\)"),
        (np.ones((8, 2)), 9 * [0], r"`features` must hold arrays \(9, F\)"),
    ],
)
def test_bad_features(features, labels, message):
    with pytest.raises(ValueError, match=message):
        plots.classes({"x": features}, list(labels))


def test_few_points_and_equal_points():
    """t-SNE needs more points than its usual perplexity, and ends the process if all are equal."""
    empty = scipy.sparse.csr_array((4, 5))
    features = {"few": np.eye(4), "equal": np.ones((4, 3)), "sparse": empty}
    figure = plots.classes(features, [0, 1, 1, 0])
    few, equal, sparse = (axes.collections[1].get_offsets() for axes in figure.axes)
    assert len(few) == 2 and np.isfinite(few).all() and np.ptp(few, axis=0).any()
    assert not equal.any() and not sparse.any()
