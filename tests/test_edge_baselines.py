"""Edge probabilities against samples of networkx, the oracle, and baselines by hand."""

import numpy as np
import pytest
from generated import samples

from stgkeras.datasets import (
    edge_probabilities,
    exponential_mean,
    last_graph,
    oracle,
    window_mean,
)


@pytest.mark.parametrize(
    ("kind", "parameter", "num_nodes"),
    [
        ("barabasi_albert", (2,), 30),
        ("barabasi_albert", (5,), 30),
        ("erdos_renyi", (0.15,), 30),
        ("newman_watts", (2, 0.3), 30),
        ("newman_watts", (5, 0.1), 30),
        ("newman_watts", (6, 0.3), 30),
    ],
)
def test_edge_probabilities_against_fresh_samples(kind, parameter, num_nodes):
    count = 2500
    expected = edge_probabilities(kind, parameter, num_nodes)
    assert np.array_equal(expected, expected.T) and not expected.diagonal().any()
    drawn = samples(kind, parameter, num_nodes, count).mean(0)
    certain = (expected == 0) | (expected == 1)
    np.testing.assert_array_equal(drawn[certain], expected[certain])
    # The Monte Carlo error of Barabási-Albert, 50,000 graphs, adds 5 % to the variance.
    variance = expected * (1 - expected) / count * 1.05
    upper = np.triu(~certain, 1)
    z = (drawn - expected)[upper] / np.sqrt(variance[upper])
    assert np.abs(z).max() < 4.5
    assert np.mean(z**2) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("parameter, num_nodes", [((4, 0.5), 7), ((2, 1.0), 10), ((6, 0.3), 8)])
def test_small_newman_watts_graphs_against_fresh_samples(parameter, num_nodes):
    drawn = samples("newman_watts", parameter, num_nodes, 4000).mean(0)
    expected = edge_probabilities("newman_watts", parameter, num_nodes)
    np.testing.assert_allclose(drawn, expected, atol=0.04)


def test_edge_probabilities_sum_to_the_number_of_edges():
    assert edge_probabilities("barabasi_albert", 3, 30).sum() / 2 == pytest.approx(81)
    assert edge_probabilities("erdos_renyi", 0.1, 30).sum() / 2 == pytest.approx(43.5)
    assert edge_probabilities("newman_watts", (4, 0.2), 30).sum() / 2 == pytest.approx(72, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "parameter", "message"),
    [
        ("ring", 1, "`kind` must be .* or .*'ring'"),
        ("newman_watts", 2, "`parameter` must hold 2 values for newman_watts.*=2"),
        ("erdos_renyi", (2, 0.1), r"`parameter` must hold 1 values for erdos_renyi.*=\(2, 0.1\)"),
        ("erdos_renyi", 1.5, "`parameter` must hold a probability p .* Received: p=1.5"),
        ("barabasi_albert", 30, "`parameter` must hold a whole number m from 1 to 29 .* m=30"),
        ("newman_watts", (2.5, 0.1), "`parameter` must hold a whole number k from 0 to 30 .*=2.5"),
        (["ring"], 1, "`kind` must be"),
    ],
)
def test_bad_edge_probabilities(kind, parameter, message):
    with pytest.raises(ValueError, match=message):
        edge_probabilities(kind, parameter, 30)


def test_oracle_knows_the_parameters_of_the_target(graphs):
    windows = graphs.windows([2, 0], input_length=10)
    predicted = oracle(graphs, windows)
    assert predicted.shape == (220, 30, 30) and predicted.dtype == np.float32
    change = graphs.change_points[2][0]  # newman_watts
    for step in (change - 1, change):
        expected = edge_probabilities("newman_watts", graphs.parameters[2, step], 30)
        np.testing.assert_array_equal(predicted[step - 10], expected.astype("float32"))
    m = int(graphs.parameters[0, 119, 0])
    np.testing.assert_allclose(predicted[-1], edge_probabilities("barabasi_albert", m, 30), 1e-6)
    assert (predicted[change - 10] != predicted[change - 11]).any()


def test_oracle_beats_the_baselines(graphs):
    windows = graphs.windows(range(6), input_length=10, batch_size=10_000)
    x, y = windows[0]

    def loss(p):
        return np.mean((p - y) ** 2)

    best = loss(oracle(graphs, windows))
    assert best < 0.95 * loss(window_mean(x["graph"])) < 0.95 * loss(last_graph(x["graph"]))
    assert best < 0.95 * loss(exponential_mean(x["graph"]))


def test_baselines_by_hand():
    graphs = np.zeros((2, 3, 2, 2))
    graphs[0, :, 0, 1] = [0, 1, 1]
    assert last_graph(graphs)[0, 0, 1] == 1
    assert window_mean(graphs)[0, 0, 1] == pytest.approx(2 / 3)
    assert exponential_mean(graphs, 0.5)[0, 0, 1] == pytest.approx((1 + 0.5) / 1.75)
    np.testing.assert_allclose(exponential_mean(graphs, 1), window_mean(graphs))
    assert not exponential_mean(graphs, 0.5)[1].any()
    with pytest.raises(ValueError, match=r"`decay` must be a number in \(0, 1\].*=0"):
        exponential_mean(graphs, 0)


def test_more_nodes_than_memory():
    with pytest.raises(ValueError, match="`num_nodes` must be from 1 to 32768"):
        edge_probabilities("erdos_renyi", 0.1, 10**20)
