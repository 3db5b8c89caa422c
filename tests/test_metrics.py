"""Scores of whole predictions against definitions written out, and baselines by hand."""

import itertools

import numpy as np
import pytest

from stgkeras import datasets, metrics


@pytest.fixture
def links():
    rng = np.random.default_rng(0)
    truth = (rng.random((5, 6, 6)) < 0.3).astype(float)
    probability = np.round(0.3 * truth + 0.6 * rng.random(truth.shape), 1)  # with ties
    return truth, probability


def entries(truth, probability, directed):
    """The (truth, probability) of every pair that counts, by loops."""
    nodes = range(truth.shape[-1])
    return [
        (y[n, m], p[n, m])
        for y, p in zip(truth, probability, strict=True)
        for n in nodes
        for m in nodes
        if (n != m if directed else n < m)
    ]


@pytest.mark.parametrize("directed", [False, True])
def test_link_scores_by_definition(links, directed):
    if not directed:
        links = np.maximum(links[0], links[0].swapaxes(1, 2)), links[1]
    scores = metrics.link_scores(*links, directed=directed)
    pairs = entries(*links, directed)
    positive = [p for y, p in pairs if y]
    negative = [p for y, p in pairs if not y]
    # AUC: how often a link outranks a missing link, ties counting half.
    wins = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(positive, negative)]
    assert scores["AUC"] == pytest.approx(np.mean(wins))
    assert scores["Brier"] == pytest.approx(np.mean([(y - p) ** 2 for y, p in pairs]))
    likelihood = [np.clip(p if y else 1 - p, 1e-7, 1) for y, p in pairs]
    assert scores["log-loss"] == pytest.approx(-np.mean(np.log(likelihood)))
    # AP: precision at each distinct threshold, weighted by the recall it adds.
    average, found = 0.0, 0
    for threshold in sorted({p for _, p in pairs}, reverse=True):
        kept = [y for y, p in pairs if p >= threshold]
        average += np.mean(kept) * (sum(kept) - found) / len(positive)
        found = sum(kept)
    assert scores["AP"] == pytest.approx(average)


def test_self_loops_do_not_count(links):
    truth, probability = links
    changed = probability.copy()
    changed[:, range(6), range(6)] = 1 - changed[:, range(6), range(6)]
    assert metrics.link_scores(truth, changed, True) == metrics.link_scores(*links, True)


def test_forecast_errors_by_hand():
    truth = np.zeros((1, 2, 2, 1))
    forecast = np.array([1.0, -3.0, 0.0, 4.0]).reshape(1, 2, 2, 1)
    errors = metrics.forecast_errors(truth, forecast, {"5 min": 1, "10 min": 2})
    assert errors == pytest.approx(
        {
            "MAE 5 min": 2.0,
            "MAE 10 min": 2.0,
            "MAE mean": 2.0,
            "RMSE 5 min": 5**0.5,
            "RMSE 10 min": 8**0.5,
            "RMSE mean": 6.5**0.5,
        }
    )


def test_errors_are_pooled_not_averaged_over_parts():
    rng = np.random.default_rng(0)
    truth, forecast = rng.normal(size=(2, 40, 3, 5, 2))
    errors = metrics.forecast_errors(truth, forecast, {"last": 3})
    by_step = [
        metrics.forecast_errors(truth[:, [s]], forecast[:, [s]], {})["RMSE mean"] ** 2
        for s in range(3)
    ]
    assert errors["RMSE mean"] == pytest.approx(np.mean(by_step) ** 0.5)
    assert errors["RMSE last"] == pytest.approx(by_step[2] ** 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.link_scores(np.ones((2, 3)), np.ones((2, 3))), "must have the same shape"),
        (
            lambda: metrics.link_scores(np.ones((1, 3, 3)), np.ones((1, 3, 3))),
            "pairs without a link.*: .*3 links",
        ),
        (
            lambda: metrics.forecast_errors(np.ones((1, 2, 3, 1)), np.ones((1, 2, 3)), {}),
            r"must have the same shape .*forecast.shape=\(1, 2, 3\)",
        ),
        (
            lambda: metrics.forecast_errors(*np.ones((2, 1, 2, 3, 1)), {"15 min": 3}),
            r"`steps` must be from 1 to the horizon, 2. Received: steps=\{'15 min': 3\}",
        ),
        (
            lambda: datasets.same_time(np.ones((9, 1, 1)), np.array([0]), 3, 2, lag=1),
            "`lag` must be at least `horizon`=2",
        ),
        (
            lambda: datasets.same_time(np.ones((9, 1, 1)), np.array([1]), 3, 2, lag=5),
            "at most 4, the first predicted step.*lag=5",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_forecast_baselines_by_hand():
    series = np.arange(20.0).reshape(10, 2, 1)  # step t holds 2t and 2t + 1
    starts = np.array([2, 4])
    last = datasets.last_value(series, starts, 3, 2)
    assert last.shape == (2, 2, 2, 1)
    assert last[:, :, 0, 0].tolist() == [[8, 8], [12, 12]]  # steps 4 and 6
    before = datasets.same_time(series, starts, 3, 2, lag=4)
    assert before[:, :, 1, 0].tolist() == [[3, 5], [7, 9]]  # steps 1, 2 and 3, 4
