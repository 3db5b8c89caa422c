"""Contacts, from files and arrays, and their snapshots, counted by hand."""

import numpy as np
import pytest

from stgkeras import datasets

# Four people; a third of a minute each, with a pause of an hour before the last.
TIME = [0, 20, 20, 40, 610, 5000]
WHO = [("a", "b"), ("a", "b"), ("c", "d"), ("b", "c"), ("a", "b"), ("d", "a")]
SOURCE, TARGET = zip(*WHO, strict=True)


def contacts(**kwargs):
    return datasets.contacts_from_arrays(TIME, SOURCE, TARGET, **kwargs)


def test_snapshots_hold_the_contacts_of_their_time():
    snapshots = contacts().snapshots(600)
    assert snapshots.start.tolist() == [0.0, 600.0, 4800.0]
    first = [[0, 2, 0, 0], [2, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    second = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(snapshots.adjacency([0, 1]), [first, second])
    with_empty = contacts().snapshots(600, keep_empty=True)
    assert with_empty.num_steps == 9
    assert with_empty.adjacency(range(9)).sum(axis=(1, 2)).tolist() == [8, 2, 0, 0, 0, 0, 0, 0, 2]


def test_directed_contacts_go_from_source_to_target():
    graph = contacts(directed=True).snapshots(10_000).adjacency([0])[0]
    assert graph.tolist() == [[0, 0, 0, 1], [3, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_features_by_hand():
    features = contacts(weight=[2, 2, 1, 1, 1, 5]).snapshots(600).features
    assert features.shape == (3, 4, 5)
    np.testing.assert_allclose(features[0, :, 0], np.log1p([1, 2, 2, 1]), rtol=1e-6)
    np.testing.assert_allclose(features[0, :, 1], np.log1p([2, 2.5, 1, 0.5]), rtol=1e-6)
    np.testing.assert_allclose(features[2, :, 2], [1, 2 / 3, 1 / 3, 2 / 3], rtol=1e-6)
    angle = 2 * np.pi * 4800 / 86400
    np.testing.assert_allclose(features[2, 0, 3:], [np.sin(angle), np.cos(angle)], rtol=1e-5)


@pytest.mark.parametrize("directed", [False, True])
def test_windows_by_hand(directed):
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 8000, 60))
    source = rng.integers(0, 5, 60)
    target = (source + rng.integers(1, 5, 60)) % 5
    weight = rng.uniform(0.5, 2.0, 60)
    names = list("vwxyz")
    taken = datasets.contacts_from_arrays(time, source, target, weight, names, directed)
    snapshots = taken.snapshots(500)
    windows = snapshots.windows([4, 7], input_length=3, history=(0.5, 20.0), batch_size=2)
    (x, y), taus = windows[0], (250.0, 10_000.0)
    for b, step in enumerate((4, 7)):
        for n, m in np.ndindex(5, 5):
            between = (source == m) & (target == n)
            if not directed:
                between |= (source == n) & (target == m)
            start = snapshots.start[step]
            during = lambda s: between & (time >= s) & (time < s + 500)  # noqa: B023, E731
            assert y[b, n, m] == during(start).any()
            for back in (1, 2, 3):
                expected = weight[during(snapshots.start[step - back])].sum()
                np.testing.assert_allclose(x["graph"][b, 3 - back, n, m], expected, rtol=1e-5)
            past = between & (time < start)
            for h, tau in enumerate(taus):
                sums = weight[past] / weight.mean() * np.exp(-(start - time[past]) / tau)
                expected = np.log1p(300 * sums.sum()) / np.log(301)
                np.testing.assert_allclose(x["history"][b, n, m, h], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(x["x"][1], snapshots.features[4:7])
    # What is known when the last snapshot ends is what a step later, with one more contact, is.
    later = datasets.contacts_from_arrays(
        *(
            np.append(a, b)
            for a, b in ((time, snapshots.start[-1] + 500), (source, 0), (target, 1))
        ),
        np.append(weight, weight.mean()),
        names,
        directed,
    ).snapshots(500)
    expected, _ = later.windows([snapshots.num_steps], input_length=3, history=(0.5, 20.0))[0]
    for key, array in snapshots.latest(input_length=3, history=(0.5, 20.0)).items():
        np.testing.assert_allclose(array, expected[key], rtol=1e-5, atol=1e-7)
    assert "history" not in snapshots.windows([4], input_length=3, history=())[0][0]


@pytest.mark.parametrize("directed", [False, True])
def test_negatives_are_drawn_anew_each_epoch(directed):
    rng = np.random.default_rng(1)
    source = rng.integers(0, 12, 40)
    target = (source + rng.integers(1, 12, 40)) % 12
    taken = datasets.contacts_from_arrays(
        np.sort(rng.uniform(0, 4000, 40)), source, target, None, list("abcdefghijkl"), directed
    )
    snapshots = taken.snapshots(400)
    windows = snapshots.windows(
        np.arange(2, snapshots.num_steps), input_length=2, negatives=3, seed=5, batch_size=99
    )
    _, y, weight = windows[0]
    pairs = 1 if directed else 2
    for graph, counts in zip(y, weight, strict=True):
        assert (counts[graph == 1] == 1).all() and not counts.diagonal().any()
        assert counts[graph == 0].sum() == pairs * 3 * max(1, graph.sum() / pairs)
    assert directed or (weight == weight.swapaxes(1, 2)).all()
    assert (windows[0][2] == weight).all()
    windows.epoch = 1
    assert (windows[0][2] != weight).any()
    windows.epoch = 0
    assert (windows[0][2] == weight).all()
    with pytest.raises(ValueError, match="`negatives` must be None or at least 1. .*negatives=0"):
        snapshots.windows([2], input_length=2, negatives=0)


def test_snapshots_are_stored_sparse():
    rng = np.random.default_rng(0)
    source = rng.integers(0, 399, 5000)
    many = datasets.contacts_from_arrays(
        np.arange(5000.0), source, source + 1, names=np.arange(400)
    ).snapshots(10)
    stored = [value for value in vars(many).values() if isinstance(value, np.ndarray)]
    assert sum(value.nbytes for value in stored) < 0.1 * 500 * 400 * 400 * 4


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("separator", [",", "\t", " "])
def test_csv_files(tmp_path, header, separator):
    rows = [(t, *who, 3) for t, who in zip(TIME, WHO, strict=True)]
    rows = [("time", "source", "target", "weight"), *rows] if header else [r[:3] for r in rows]
    path = tmp_path / "contacts.csv"
    path.write_text("\n".join(separator.join(map(str, row)) for row in rows))
    found = datasets.load_contacts(path)
    assert found.names.tolist() == ["a", "b", "c", "d"]
    assert found.time.tolist() == TIME
    assert [found.names[i] for i in found.source] == list(SOURCE)
    assert set(found.weight.tolist()) == ({3.0} if header else {1.0})


def test_dates_count_from_the_midnight_before(tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text("time,source,target\n2024-05-02T00:01:00,a,b\n2024-05-01T08:00:00,b,c\n")
    assert datasets.load_contacts(path).time.tolist() == [8 * 3600, 24 * 3600 + 60]


def test_npz_files_of_both_kinds(tmp_path):
    index = {"i": np.array([0, 2], "int16"), "j": np.array([1, 1], "int16")}
    np.savez(tmp_path / "a.npz", t=[40, 20], node_id=["7", "8", "9"], **index)
    found = datasets.load_contacts(tmp_path / "a.npz")
    assert (found.time.tolist(), found.source.tolist()) == ([20.0, 40.0], [2, 0])
    assert found.names.tolist() == ["7", "8", "9"]
    np.savez(tmp_path / "b.npz", time=[0.0], source=["x"], target=["y"], weight=[2.5])
    assert datasets.load_contacts(tmp_path / "b.npz").weight.tolist() == [2.5]


def test_graphs_of_days_with_self_loops(tmp_path):
    ends = {"edge_src": np.array([3, 10, 3]), "edge_dst": np.array([3, 3, 10])}
    path = tmp_path / "days.npz"
    np.savez(path, edge_t=[0, 0, 1], edge_weight=[9.0, 2.0, 4.0], **ends)
    with pytest.raises(ValueError, match="3 twice in row 0. If both .*`drop_loops=True`"):
        datasets.load_contacts(path, directed=True)
    found = datasets.load_contacts(path, directed=True, unit=86400, drop_loops=True)
    assert (found.time.tolist(), found.weight.tolist()) == ([0.0, 86400.0], [2.0, 4.0])
    assert found.names.tolist() == ["3", "10"]  # by number
    assert found.snapshots(86400).adjacency([0, 1]).tolist() == [[[0, 2], [0, 0]], [[0, 0], [4, 0]]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], ["a"], ["b"]), "must have the same length, at least 1. Received: 2, 1, 1 and 2"),
        (([], [], []), "must have the same length, at least 1"),
        (([0], ["a"], ["a"]), "`source` and `target` must differ.*a twice in row 0"),
        (([np.nan], ["a"], ["b"]), "`time` must hold numbers or dates. Received: nan in row 0"),
        (([0], ["a"], ["b"], [0.0]), "`weight` must hold numbers above 0. Received: 0.0 in row 0"),
        (
            ([0], ["a"], ["b"], None, ["a", "c"]),
            "`names` must contain all nodes. Received: names without 'b'",
        ),
        (([0], [0], [3], None, ["a", "c"]), "indices of the 2 `names`, or names. Received: 0 … 3"),
    ],
)
def test_bad_contacts(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.contacts_from_arrays(*arguments)


def test_bad_files_and_widths(tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end in .csv or .npz"):
        datasets.load_contacts(tmp_path / "contacts.txt")
    with pytest.raises(FileNotFoundError):
        datasets.load_contacts(tmp_path / "contacts.csv")
    np.savez(tmp_path / "a.npz", t=[0], i=[1])
    with pytest.raises(ValueError, match="must hold arrays time, source, target.*without target"):
        datasets.load_contacts(tmp_path / "a.npz")
    (tmp_path / "a.csv").write_text("time,from,to\n0,a,b\n")
    with pytest.raises(ValueError, match="must have the columns time, source, target"):
        datasets.load_contacts(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("0,a,a\n")
    with pytest.raises(ValueError, match="b.csv: `source` and `target` must differ"):
        datasets.load_contacts(tmp_path / "b.csv")
    with pytest.raises(ValueError, match="`width` must be above 0 and at most"):
        contacts().snapshots(0)
    snapshots = contacts().snapshots(600)
    with pytest.raises(ValueError, match=r"`steps` must lie in \[2, \d+\).*Received: 1"):
        snapshots.windows([1], input_length=2)
    with pytest.raises(ValueError, match=r"`input_length` must be in \[1, \d+\].*length=99"):
        snapshots.latest(input_length=99)


def test_made_up_contacts_can_be_predicted():
    made = datasets.make_contacts(num_days=4)
    again, other = datasets.make_contacts(num_days=4), datasets.make_contacts(num_days=4, seed=1)
    assert np.array_equal(made.time, again.time) and np.array_equal(made.source, again.source)
    assert len(made.time) != len(other.time)
    teams = {"blue": 7, "green": 8, "red": 9, "white": 6}
    names = [f"{team}{number}" for team, size in teams.items() for number in range(1, size + 1)]
    assert made.names.tolist() == names
    hours = made.time % 86400 / 3600
    assert hours.min() >= 9 and hours.max() < 17 and made.time.max() < 4 * 86400
    team = np.array([name.rstrip("0123456789") for name in made.names])
    inside = team[made.source] == team[made.target]
    assert inside.mean() > 0.6  # of pairs, less than a quarter are
    assert len(datasets.make_contacts(num_days=1, seed=5).names) == 30
    for options, message in (({"num_days": 0}, "`num_days`"), ({"seed": -1}, "`seed`")):
        with pytest.raises(ValueError, match=message):
            datasets.make_contacts(**options)
    with pytest.raises(TypeError, match="`num_days` must be an integer"):
        datasets.make_contacts(num_days=1.5)


def test_contacts_are_written_and_read_again(tmp_path):
    made = contacts(weight=[1, 2, 3, 4, 5, 0.1])
    made.to_csv(tmp_path / "contacts.csv")
    read = datasets.load_contacts(tmp_path / "contacts.csv")
    for field in ("time", "source", "target", "weight", "names"):
        np.testing.assert_array_equal(getattr(read, field), getattr(made, field))
    with pytest.raises(TypeError, match="`path` must be a path"):
        made.to_csv(3)


def test_snapshots_are_split_in_time():
    made = datasets.contacts_from_arrays(100.0 * np.arange(40), 20 * "ab", 20 * "bc")
    snapshots = made.snapshots(100)
    train, val, test = snapshots.split(input_length=5)
    assert np.array_equal(train, np.arange(5, 28))
    assert np.array_equal(val, np.arange(28, 32)) and np.array_equal(test, np.arange(32, 40))
    train, val, test = snapshots.split(input_length=1, val=3, test=0.5)
    assert [len(train), len(val), len(test)] == [16, 3, 20]
    with pytest.raises(ValueError, match="`input_length` must leave .* 40 snapshots are too few"):
        snapshots.split(input_length=28)
    with pytest.raises(ValueError, match="`input_length` must leave snapshots"):
        snapshots.split(val=0)
    with pytest.raises(ValueError, match="`val` and `test` must leave a part for training"):
        snapshots.split(val=0.5, test=0.5)
    with pytest.raises(ValueError, match="`input_length` must be at least 1"):
        snapshots.split(input_length=0)
