"""Links: arguments of another type, out of range, or that mix kinds of entries."""

import datetime

import numpy as np
import pytest
import scipy.sparse as sp

from stgkeras import datasets

A, B = ["a", "b"], ["b", "c"]
DAY = datetime.datetime(2024, 5, 1)
UTC = DAY.replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((5, A, B), "`time` must be a list or an array with one axis. Received: time=5"),
        (([0, 1], {"a": 1, "b": 2}, B), "`source` must be a list or an array with one axis"),
        (([0, 1], np.array(1), B), "`source` must be a list .* Received: source=array"),
        (([0, 1], A, sp.csr_array((2, 2))), r"`target` must be a list .* shape=\(2, 2\)"),
        (([0, 1], A, np.ma.masked_equal(B, "b")), "`target` must have no masked entries"),
        (([0, 1], ["a", 0.5], B), "`source` must hold a name or an int in each row. Rec.* 0.5"),
        (([0, 1], A, B, None, 5), "`names` must be a list or an array"),
        (([0, 1], A, B, None, ["a", "b", None]), "`names` must hold a name or an int"),
        (([0, 1], A, B, ["1", DAY]), "`weight` must hold numbers above 0. Received: 2024-05-01"),
        (([0, 1], A, B, [DAY, DAY]), "`weight` must hold numbers above 0"),
        (([DAY, 1e-3], A, B), "`time` must hold numbers or dates. Received: 0.001 in row 1"),
        (
            ([DAY, UTC], A, B),
            "`time` must .* in row 1, but only some of the dates have a time zone",
        ),
        (([1j, 2], A, B), "`time` must hold one number or date .* dtype=complex"),
    ],
)
def test_bad_fields(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.contacts_from_arrays(*arguments)


def test_bad_options_of_contacts():
    with pytest.raises(
        TypeError, match="`directed` must be True or False. Received: directed='no'"
    ):
        datasets.contacts_from_arrays([0, 1], A, B, directed="no")
    with pytest.raises(ValueError, match="`kinds` must be None or two different names"):
        datasets.contacts_from_arrays([0, 1], A, B, kinds=2)


def test_ids_beyond_the_largest_int_stay_whole():
    ids = np.array([2**63 + 1, 2**63 + 3], np.uint64)
    contacts = datasets.contacts_from_arrays([0, 1], ids, [1, 2])
    assert set(contacts.names) == {"1", "2", str(2**63 + 1), str(2**63 + 3)}
    mixed = datasets.contacts_from_arrays([0], np.array([1], np.uint64), np.array([2]))
    assert mixed.names.tolist() == ["1", "2"]


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"unit": 0}, ValueError, "`unit` must be a finite number above 0"),
        ({"unit": "s"}, TypeError, "`unit` must be a number"),
        ({"drop_loops": "no"}, TypeError, "`drop_loops` must be True or False"),
        ({"columns": 3}, ValueError, "`columns` must have one entry for each column"),
        ({"columns": (["time"], "source", "target")}, ValueError, "`columns` must have one entry"),
        ({"weight": ["weight"]}, ValueError, "`weight` must name a column or array of the file"),
    ],
)
def test_bad_options_of_files(tmp_path, options, error, message):
    path = tmp_path / "contacts.csv"
    path.write_text("time,source,target\n0,a,b\n")
    assert len(datasets.load_contacts(path).time) == 1
    with pytest.raises(error, match=message):
        datasets.load_contacts(path, **options)


def test_a_path_must_be_a_path(tmp_path):
    with pytest.raises(TypeError, match="`path` must be a path: .* Received: path=5"):
        datasets.load_contacts(5)
    with pytest.raises(TypeError, match="`cache_dir` must be a path"):
        datasets.load_dynamic_graphs(num_sequences=1, cache_dir=5)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"width": "600"}, TypeError, "`width` must be a number"),
        ({"width": np.inf}, ValueError, "`width` must be above 0 and at most"),
        ({"width": 1e308}, ValueError, "`width` must be above 0 and at most 1e11"),
        ({"width": 1e-320}, ValueError, "`width` must not be so small that steps cannot be"),
        ({"width": 1e-5, "keep_empty": True}, ValueError, "`width` must give at most 10,000,000"),
        ({"width": 60, "keep_empty": "no"}, TypeError, "`keep_empty` must be True or False"),
    ],
)
def test_bad_snapshots(options, error, message):
    contacts = datasets.contacts_from_arrays([0, 900], A, B)
    with pytest.raises(error, match=message):
        contacts.snapshots(**options)


@pytest.mark.parametrize(
    "steps, error, message",
    [
        ([-1], ValueError, r"`steps` must lie in \[0, 2\), the number of snapshots. Received: -1"),
        ([2], ValueError, r"`steps` must lie in \[0, 2\)"),
        ([0.0], TypeError, "`steps` must be a list or array of ints"),
        ([[0], [0, 1]], TypeError, "`steps` must be a list or array of ints"),
        ([True, False], TypeError, "`steps` must be a list or array of ints"),
    ],
)
def test_steps_must_be_indices(steps, error, message):
    snapshots = datasets.contacts_from_arrays([0, 900], A, B).snapshots(600)
    assert snapshots.adjacency(1).shape == (1, 3, 3)
    with pytest.raises(error, match=message):
        snapshots.adjacency(steps)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: datasets.load_dynamic_graphs(5), ValueError, "`kinds` must be one or more of"),
        (lambda: datasets.load_dynamic_graphs([["a"]]), ValueError, "`kinds` must be one or more"),
        (
            lambda: datasets.load_dynamic_graphs(num_nodes=2**20),
            ValueError,
            "`num_nodes` must give less than 64 GiB of graphs",
        ),
        (lambda: datasets.split_sequences(["a"] * 9, seed="x"), TypeError, "`seed` must be an int"),
        (lambda: datasets.split_sequences([1.5] * 9), ValueError, "`kinds` must hold a name"),
        (lambda: datasets.node_features([["a"]]), TypeError, "`adjacency` must hold real numbers"),
        (lambda: datasets.node_features(np.ones((0, 0))), ValueError, "at least one node"),
        (lambda: datasets.last_graph(np.ones((2, 2))), ValueError, "`graphs` must have shape"),
        (lambda: datasets.window_mean([[[["a"]]]]), TypeError, "`graphs` must hold real numbers"),
        (
            lambda: datasets.exponential_mean(np.full((1, 1, 2, 2), np.nan)),
            ValueError,
            "`graphs` must be finite",
        ),
        (
            lambda: datasets.exponential_mean(np.ones((1, 1, 2, 2)), "0.5"),
            TypeError,
            "`decay` must be a number",
        ),
    ],
)
def test_bad_arguments_of_generated_graphs(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_features_of_a_sparse_adjacency():
    path = np.eye(3, k=1) + np.eye(3, k=-1)
    expected = datasets.node_features(path)
    np.testing.assert_array_equal(datasets.node_features(sp.csr_array(path)), expected)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"steps": []}, ValueError, "`steps` must have at least one step"),
        ({"history": 3}, ValueError, "`history` must be a sequence of numbers from 1e-9 to 1e12"),
        ({"history": [0.0]}, ValueError, "`history` must be a sequence of numbers"),
        ({"history": ["a"]}, TypeError, "`history` must hold real numbers"),
        ({"input_length": "1"}, TypeError, "`input_length` must be an integer"),
    ],
)
def test_bad_windows_of_snapshots(arguments, error, message):
    snapshots = datasets.contacts_from_arrays([0, 900], A, B).snapshots(600)
    with pytest.raises(error, match=message):
        snapshots.windows(**{"steps": [1], "input_length": 1, **arguments})
