"""The lineage of spectral networks, compared on a few of the digits."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stgkeras import graphs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import compare_spectral
import pixel_graphs


def test_table_and_pictures(tmp_path, monkeypatch, capsys):
    x, y = load_digits(return_X_y=True)  # 320 of them make whole batches, which compile once
    monkeypatch.setattr(pixel_graphs, "load_digits", lambda return_X_y: (x[:320], y[:320]))
    options = ["--epochs", "2", "--out", str(tmp_path / "run")]
    compare_spectral.main(compare_spectral.parse(options))
    assert "All files are in" in capsys.readouterr().out
    rows = json.loads((tmp_path / "run" / "metrics.json").read_text())["rows"]
    assert [(row["model"], row["graph"]) for row in rows] == [
        ("SCNN", "grid"),
        ("smooth SCNN", "grid"),
        ("ChebNet", "grid"),
        ("GCN", "grid"),
        ("ChebNet", "estimated"),
        ("ChebNet", "estimated with labels"),
    ]
    for row in rows:
        assert row["seconds per epoch"] > 0
        assert 0 <= row["validation"] <= 1 and 0 <= row["test"] <= 1
    sizes = [row["parameters"] for row in rows[:4]]
    assert max(sizes) < 1.03 * min(sizes)
    for name in ("accuracy.png", "filters.png"):
        assert (tmp_path / "run" / name).stat().st_size > 10_000
    with pytest.raises(SystemExit, match="already holds a run. Pass another --out"):
        compare_spectral.main(compare_spectral.parse(options))


def test_grid_follows_the_shuffled_pixels(monkeypatch):
    # Images of one bright pixel each, by number: 9 is in the second row and column.
    images, labels = np.eye(64).repeat(20, axis=0) * 16, np.tile(np.arange(10), 128)
    monkeypatch.setattr(pixel_graphs, "load_digits", lambda return_X_y: (images, labels))
    grid, (x, _), _, _ = pixel_graphs.load(seed=1)
    assert x.shape == (768, 64, 1) and x.max() == 1
    order = np.random.default_rng(1).permutation(64)
    assert (order != np.arange(64)).any()
    neighbours = order[np.flatnonzero(grid[np.flatnonzero(order == 9)[0]])]
    assert sorted(neighbours) == [0, 1, 2, 8, 10, 16, 17, 18]
    assert sorted(order[np.flatnonzero(grid[np.flatnonzero(order == 0)[0]])]) == [1, 8, 9]


@pytest.mark.parametrize("supervised", [False, True])
def test_estimates_use_training_images_alone(supervised, monkeypatch):
    def train(x):
        monkeypatch.setattr(pixel_graphs, "load_digits", lambda return_X_y: (x, labels))
        return pixel_graphs.load(seed=0)[1]

    def estimate(x):
        images, labels = train(x)
        return pixel_graphs.estimate(images, labels if supervised else None)

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
    grid, (x, y), _, _ = pixel_graphs.load(seed=0)
    blank = x.std(axis=0)[:, 0] == 0
    assert blank.any()
    for labels, share in ((None, 0.7), (y, 0.4)):
        adjacency = pixel_graphs.estimate(x, labels)
        assert not adjacency[blank].any() and not adjacency[:, blank].any()
        assert (adjacency[~blank] > 0).sum(axis=1).min() >= 4
        assert grid[adjacency > 0].mean() > share  # of all pairs it would be 0.1


def test_maps_of_the_first_convolution_leave_out_bias_and_relu():
    grid = pixel_graphs.load(seed=0)[0]
    model = pixel_graphs.build("ChebNet", grid)
    layer, graph = model.get_layer("convolution_1"), model.graph[0]
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - 100])
    maps = compare_spectral.linear_maps(model)
    expected = np.einsum("knm,kf->fnm", graphs.chebyshev_polynomials(graph, 5), kernel[:, 0])
    np.testing.assert_allclose(maps, expected, atol=1e-5)
