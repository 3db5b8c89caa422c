"""Digits on the graph of their pixels, and graphs estimated from them."""

import numpy as np
import pytest
import sklearn.datasets
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from stgkeras import datasets, graphs


def test_grid_follows_the_shuffled_pixels(monkeypatch):
    # Images of one bright pixel each, by number: 9 is in the second row and column.
    images, labels = np.eye(64).repeat(20, axis=0) * 16, np.tile(np.arange(10), 128)
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda return_X_y: (images, labels))
    digits = datasets.load_digits(seed=1)
    grid, x = digits.adjacency, digits.images[digits.split.train]
    assert x.shape == (768, 64, 1) and x.max() == 1
    order = np.random.default_rng(1).permutation(64)
    assert (order != np.arange(64)).any()
    neighbours = order[np.flatnonzero(grid[np.flatnonzero(order == 9)[0]])]
    assert sorted(neighbours) == [0, 1, 2, 8, 10, 16, 17, 18]
    assert sorted(order[np.flatnonzero(grid[np.flatnonzero(order == 0)[0]])]) == [1, 8, 9]


@pytest.mark.parametrize("supervised", [False, True])
def test_estimates_use_training_images_alone(supervised, monkeypatch):
    def train(x):
        monkeypatch.setattr(sklearn.datasets, "load_digits", lambda return_X_y: (x, labels))
        digits = datasets.load_digits()
        return digits.images[digits.split.train], digits.labels[digits.split.train]

    def estimate(x):
        images, labels = train(x)
        labels = labels if supervised else None
        return graphs.estimate_graph(images[..., 0], standardize=True, labels=labels)

    images, labels = (a[:200] for a in load_digits(return_X_y=True))
    numbered = np.arange(200.0)[:, None].repeat(64, axis=1)
    used = np.rint(16 * train(numbered)[0][:, 0, 0]).astype(int)
    assert len(used) == 120
    noise = np.random.default_rng(0).uniform(0, 16, images.shape)
    others_changed = noise.copy()
    others_changed[used] = images[used]
    np.testing.assert_array_equal(estimate(others_changed), estimate(images))
    assert (estimate(noise) != estimate(images)).any()


def test_estimates_link_neighbours_and_leave_blank_pixels_alone():
    digits = datasets.load_digits()
    grid, (x, y) = digits.adjacency, (digits.images[..., 0], digits.labels)
    x, y = x[digits.split.train], y[digits.split.train]
    blank = x.std(axis=0) == 0
    assert blank.any()
    for labels, share in ((None, 0.7), (y, 0.4)):
        how = {"num_neighbors": 4, "standardize": True, "labels": labels}
        adjacency = graphs.estimate_graph(x, **how)
        np.testing.assert_array_equal(
            graphs.estimate_graph(x, **how, sparse=True).toarray(), adjacency
        )
        assert not adjacency[blank].any() and not adjacency[:, blank].any()
        assert (adjacency[~blank] > 0).sum(axis=1).min() >= 4
        assert grid[adjacency > 0].mean() > share  # of all pairs it would be 0.1


def test_the_split_is_stratified_and_complete():
    digits = datasets.load_digits(seed=2)
    assert sorted(np.concatenate(digits.split)) == list(range(1797))
    shares = [np.bincount(digits.labels[part]) / len(part) for part in digits.split]
    assert np.ptp(shares, axis=0).max() < 0.005
    again = datasets.load_digits(seed=2)
    np.testing.assert_array_equal(again.images, digits.images)
    assert (datasets.load_digits(seed=3).images != digits.images).any()


def test_accuracy_of_the_pixels_counts_images_in_the_right_class():
    digits = datasets.load_digits()
    x, y = digits.images.reshape(-1, 64), digits.labels
    model = LogisticRegression(max_iter=1000).fit(x[digits.split.train], y[digits.split.train])
    for part, found in digits.accuracy_of_pixels().items():
        chosen = digits.split.val if part == "validation" else digits.split.test
        right = (model.predict(x[chosen]) == y[chosen]).sum()
        assert found == pytest.approx(100 * right / 360)
        assert 90 < found < 99


def test_standardized_columns_have_any_unit():
    signals = np.random.default_rng(0).normal(size=(50, 6))
    expected = graphs.estimate_graph((signals - signals.mean(0)) / signals.std(0), k=3)
    scaled = signals * [1, 10, 100, 1, 2, 3] + [0, 5, 7, 0, 1, 2]
    found = graphs.estimate_graph(scaled, k=3, standardize=True)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"standardize": 1}, TypeError, "`standardize` must be True or False"),
        ({"labels": [0, 1]}, ValueError, r"`labels` must have one class .* shape \(2,\)"),
        ({"labels": 5 * [1]}, ValueError, "`labels` must have .* with 1 classes. Pass"),
        ({"labels": [0, 1, 0, 1, 1], "seed": -1}, ValueError, "`seed` must be at least 0"),
    ],
)
def test_bad_arguments_of_estimates(options, error, message):
    signals = np.random.default_rng(0).normal(size=(5, 3))
    with pytest.raises(error, match=message):
        graphs.estimate_graph(signals, k=1, **options)


def test_constant_signals_and_seeds_are_refused():
    with pytest.raises(ValueError, match="two columns that vary. Received: 1 of 3 columns"):
        graphs.estimate_graph([[1.0, 2, 3], [1, 2, 4]], standardize=True)
    for seed in (-1, 2**32):
        message = f"`seed` must be from 0 to 4294967295. Received: seed={seed}"
        with pytest.raises(ValueError, match=message):
            datasets.load_digits(seed=seed)
    assert len(datasets.load_digits(seed=2**32 - 1).split.train) == 1077
