"""Generated graphs: rules of their parameters, statistics, windows, splits and cache."""

import numpy as np
import pytest
from generated import ring

from stgkeras.datasets import DynamicGraphs, load_dynamic_graphs, split_sequences
from stgkeras.datasets.links import dynamic_graphs
from stgkeras.datasets.links.graph_sequences import KINDS, draw_sequence, next_parameter

FIELDS = ("adjacency", "features", "kinds", "parameters")


def small(cache_dir, **changes):
    arguments = dict(num_sequences=3, num_nodes=10, num_steps=60) | changes
    return load_dynamic_graphs(cache_dir=cache_dir, **arguments)


# Generation


def test_shapes_and_types(graphs):
    assert graphs.adjacency.shape == (6, 120, 30, 30) and graphs.adjacency.dtype == np.uint8
    assert graphs.features.shape == (6, 120, 30, 6) and graphs.features.dtype == np.float32
    assert graphs.parameters.shape == (6, 120, 2)
    assert graphs.kinds.tolist() == [*KINDS, *KINDS]
    assert (graphs.num_steps, graphs.num_nodes) == (120, 30)
    assert set(np.unique(graphs.adjacency)) == {0, 1}
    assert np.array_equal(graphs.adjacency, graphs.adjacency.swapaxes(2, 3))
    assert not np.diagonal(graphs.adjacency, axis1=2, axis2=3).any()
    assert np.isfinite(graphs.features).all() and np.abs(graphs.features).max() <= 1 + 1e-6


def test_statistics_of_each_kind(graphs):
    edges = graphs.adjacency.sum((2, 3)) // 2  # (S, T)
    for s, kind in enumerate(graphs.kinds):
        number, p = graphs.parameters[s].T
        if kind == "barabasi_albert":
            assert np.array_equal(edges[s], number * (30 - number)) and np.isnan(p).all()
        elif kind == "erdos_renyi":
            spread = np.sqrt((435 * p * (1 - p)).sum())
            assert abs(edges[s].sum() - (435 * p).sum()) < 4 * spread and np.isnan(number).all()
        else:
            half = number // 2
            extra = edges[s] - 30 * half
            spread = np.sqrt((30 * half * p * (1 - p)).sum())
            assert abs(extra.sum() - (30 * half * p).sum()) < 4 * spread
            for graph, h in zip(graphs.adjacency[s], half, strict=True):
                assert graph[ring(30, h)].all()


def test_every_graph_is_a_fresh_sample(graphs):
    assert (graphs.adjacency[:, 1:] != graphs.adjacency[:, :-1]).any((2, 3)).all()
    for adjacency in graphs.adjacency:  # a ring with few shortcuts can come twice by chance
        assert len(np.unique(adjacency.reshape(120, 900), axis=0)) > 110


@pytest.mark.parametrize("kind", KINDS)
def test_change_points_and_changes(kind):
    counts = set()
    for seed in range(60):
        _, parameters, changes = draw_sequence(kind, 8, 170, (seed, 1))
        counts.add(len(changes))
        edges = np.array([0, *changes, 170])
        assert (np.diff(edges) >= 30).all()
        segments = [parameters[low:high] for low, high in zip(edges, edges[1:], strict=False)]
        for segment in segments:
            assert np.array_equal(segment, segment[:1].repeat(len(segment), 0), equal_nan=True)
            number, p = segment[0]
            limits = {
                KINDS[0]: (2, 5, 0, 0),
                KINDS[1]: (0, 0, 0.1, 0.2),
                KINDS[2]: (2, 6, 0.1, 0.3),
            }
            low, high, lowest, highest = limits[kind]
            assert np.isnan(number) if kind == KINDS[1] else low <= number <= high
            assert np.isnan(p) if kind == KINDS[0] else lowest <= p <= highest
        for (old, p_old), (new, p_new) in zip(
            (s[0] for s in segments), (s[0] for s in segments[1:]), strict=False
        ):
            moved = [abs(new - old) >= 0.3 * old, abs(p_new - p_old) >= 0.3 * p_old]
            assert any(moved)
            if kind == KINDS[2]:
                assert [new != old, p_new != p_old] == moved  # the other stays exactly
                assert not moved[0] or new // 2 != old // 2
    assert counts == {1, 2, 3}


@pytest.mark.parametrize("p", [0.1, 0.1428, 0.1429, 0.15, 0.1538, 0.1539, 0.2])
def test_the_next_probability_exists_and_reaches_the_whole_range(p):
    rng = np.random.default_rng(0)
    drawn = np.array([next_parameter("erdos_renyi", (np.nan, p), rng)[1] for _ in range(400)])
    assert (np.abs(drawn - p) >= 0.3 * p - 1e-12).all()
    assert drawn.min() >= 0.1 and drawn.max() <= 0.2
    assert (drawn < p).any() == (p * 0.7 > 0.1) and (drawn > p).any() == (p * 1.3 < 0.2)


def test_seeds(tmp_path):
    first, again, other = (small(tmp_path / str(i), seed=seed) for i, seed in enumerate((0, 0, 1)))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert first.change_points == again.change_points
    assert (first.adjacency != other.adjacency).any()
    longer = small(tmp_path, num_sequences=4)  # a sequence does not depend on those after it
    np.testing.assert_array_equal(longer.adjacency[:3], first.adjacency)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ("ring",)}, r"`kinds` must be one or more of .*\('ring',\)"),
        ({"kinds": ()}, r"`kinds` must be one or more of .*\(\)"),
        ({"num_sequences": 0}, "`num_sequences` must be an int of at least 1.*=0"),
        ({"num_nodes": 7}, "`num_nodes` must be an int of at least 8.*=7"),
        ({"num_steps": 59}, "`num_steps` must be an int of at least 60.*=59"),
        ({"seed": -1}, "`seed` must be an int of at least 0.*=-1"),
    ],
)
def test_bad_arguments(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        small(tmp_path, **change)


# Windows and splits


def test_windows_stay_within_their_sequence(graphs):
    windows = graphs.windows([4, 1], input_length=10, batch_size=64)
    assert np.shares_memory(windows.inputs["x"], graphs.features)
    assert np.shares_memory(windows.inputs["graph"], graphs.adjacency)
    assert np.shares_memory(windows.targets, graphs.adjacency)
    assert len(windows.starts) == 2 * 110
    seen = np.concatenate([y for _, y in windows])
    expected = np.concatenate([graphs.adjacency[4, 10:], graphs.adjacency[1, 10:]])
    np.testing.assert_array_equal(seen, expected)
    x, y = windows[1]  # windows 64 … 127: the second sequence begins at window 110
    assert x["x"].shape == (64, 10, 30, 6) and x["graph"].shape == (64, 10, 30, 30)
    assert y.dtype == x["graph"].dtype == np.float32
    np.testing.assert_array_equal(x["graph"][45], graphs.adjacency[4, 109:119])
    np.testing.assert_array_equal(x["graph"][46], graphs.adjacency[1, 0:10])
    np.testing.assert_array_equal(x["x"][46], graphs.features[1, 0:10])


def test_bad_window_arguments(graphs):
    with pytest.raises(ValueError, match="`sequences` must have at least one sequence"):
        graphs.windows(np.zeros(0, int))
    with pytest.raises(ValueError, match=r"`sequences` must lie in \[0, 6\).*Received: 6"):
        graphs.windows([0, 6])
    with pytest.raises(ValueError, match=r"`input_length` must be in \[1, 120\).*=120"):
        graphs.windows([0], input_length=120)


def test_split_is_stratified_and_depends_on_the_seed():
    kinds = np.array([KINDS[i % 3] for i in range(40)])
    split = split_sequences(kinds, seed=5)
    assert sorted(np.concatenate(split).tolist()) == list(range(40))
    for part, share in zip(split, (0.6, 0.2, 0.2), strict=True):
        for kind in KINDS:
            size = (kinds == kind).sum()
            assert abs((kinds[part] == kind).sum() - share * size) < 1
    assert all(map(np.array_equal, split, split_sequences(kinds, seed=5)))
    assert split.test.tolist() != split_sequences(kinds, seed=6).test.tolist()
    with pytest.raises(ValueError, match="validation part holds at least one.*2 sequences"):
        split_sequences(kinds[[0, 3]])


# Cache


def test_cache_round_trip(tmp_path, monkeypatch):
    first = small(tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("dynamic_graphs_v1_") and path.suffix == ".npz"
    monkeypatch.setattr(dynamic_graphs, "_generate", None)  # the second call may only read
    second = small(tmp_path)
    assert isinstance(second, DynamicGraphs)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert getattr(first, name).dtype == getattr(second, name).dtype
    assert first.change_points == second.change_points


def test_each_argument_has_its_own_cache_file(tmp_path):
    changes = [
        {},
        {"seed": 1},
        {"kinds": KINDS[:1]},
        {"num_sequences": 2},
        {"num_nodes": 9},
        {"num_steps": 61},
    ]
    for change in changes:
        small(tmp_path, **change)
    assert len(list(tmp_path.iterdir())) == len(changes)


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "keys"])
def test_a_damaged_cache_is_made_again(damage, tmp_path):
    first = small(tmp_path)
    (path,) = tmp_path.iterdir()
    good = path.read_bytes()
    if damage == "keys":
        np.savez(path, adjacency=first.adjacency)
    else:
        middle = len(good) // 2
        noise = good[:middle] + bytes(100) + good[middle + 100 :]
        path.write_bytes({"empty": b"", "cut": good[:middle], "noise": noise}[damage])
    with pytest.warns(UserWarning, match="cannot be read .* are generated again"):
        second = small(tmp_path)
    np.testing.assert_array_equal(first.adjacency, second.adjacency)
    assert len(list(tmp_path.iterdir())) == 1  # no temporary file is left
    small(tmp_path)  # reads the repaired file; a warning would be an error


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="cannot be written .* are not cached"):
        assert small(tmp_path / "file" / "folder").num_nodes == 10


def test_the_cache_lies_in_the_keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    small(None)
    assert len(list((tmp_path / "datasets" / "stgkeras").glob("*.npz"))) == 1
