"""Scores of predicted links against scikit-learn and by hand, in one go and batch by batch."""

import keras
import numpy as np
import pytest
import sklearn.metrics
from cases import as_numpy

from stgkeras import callbacks, metrics

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(-3.0, 1.5, (40, 12, 12))
LOGITS = (LOGITS + LOGITS.swapaxes(1, 2)) / 2
PROBABILITY = (1 / (1 + np.exp(-LOGITS))).astype("float32")
TRUTH = RNG.random(LOGITS.shape) < PROBABILITY
TRUTH = np.triu(TRUTH) | np.triu(TRUTH).swapaxes(1, 2)  # with self loops, which do not count
both = pytest.mark.parametrize("directed", [False, True])


def pairs(directed):
    mask = np.ones((12, 12), bool)
    mask = np.triu(mask, 1) | (np.tril(mask, -1) & directed)
    return TRUTH[:, mask], PROBABILITY[:, mask].astype("float64")


def over_batches(metric):
    for low in range(0, 40, 16):
        metric.update_state(TRUTH[low : low + 16], PROBABILITY[low : low + 16])
    return float(metric.result())


@both
def test_f1_and_brier(directed):
    y, p = (array.ravel() for array in pairs(directed))
    found = over_batches(metrics.LinkF1(0.15, directed))
    assert found == pytest.approx(sklearn.metrics.f1_score(y, p >= 0.15), rel=1e-6)
    found = over_batches(metrics.LinkBrier(directed))
    assert found == pytest.approx(sklearn.metrics.brier_score_loss(y, p), rel=1e-6)


@both
@pytest.mark.parametrize(
    ("cls", "exact"),
    [
        (metrics.LinkAUC, sklearn.metrics.roc_auc_score),
        (metrics.LinkAveragePrecision, sklearn.metrics.average_precision_score),
    ],
)
def test_ranking_from_a_histogram_is_within_its_bound(cls, exact, directed):
    y, p = (array.ravel() for array in pairs(directed))
    metric = cls(directed)
    found = over_batches(metric)
    difference, bound = abs(found - exact(y, p)), float(metric.bound())
    assert difference <= bound + 1e-6
    assert 0 < bound < 0.02
    metric.reset_state()
    assert not as_numpy(metric.variables[0].value).any()
    again = cls.from_config(metric.get_config())
    assert over_batches(again) == found


@both
def test_equal_probabilities_are_covered_by_the_bound(directed):
    y = np.zeros((1, 4, 4))
    y[0, 0, 1] = y[0, 1, 0] = 1
    flat = np.full((1, 4, 4), 0.3)
    auc, precision = metrics.LinkAUC(directed), metrics.LinkAveragePrecision(directed)
    assert float(auc(y, flat)) == pytest.approx(0.5)
    share = 1 / 6
    assert abs(float(precision(y, flat)) - share) <= float(precision.bound())


def test_counts_go_past_what_float32_holds():
    metric = metrics.LinkF1()
    y = np.ones((1, 2, 2), "float32")
    metric.update_state(y, y)
    low = as_numpy(metric._counts.value)
    metric._counts.assign(np.stack([low[0] * (2**20 - 1), np.full(3, 2.0**6)]))  # 2^26 + 2^20 - 1
    metric.update_state(y, y)
    total = as_numpy(metric._counts.value).astype("float64")
    assert (total[0] + total[1] * 2**20).tolist() == [2**26 + 2**20] * 3


@both
def test_recall_at_k(directed):
    y, p = pairs(directed)
    hits = sum(int(truth[np.argsort(-p)[:7]].sum()) for truth, p in zip(y, p, strict=True))
    found = metrics.recall_at_k(TRUTH, PROBABILITY, 7, directed)
    assert found == pytest.approx(hits / y.sum(), rel=1e-12)
    assert metrics.recall_at_k(TRUTH, PROBABILITY, y.shape[1], directed) == 1.0


def test_recall_counts_equal_pairs_in_part():
    y = np.zeros((1, 3, 3))
    y[0, 0, 1] = 1
    p = np.full((1, 3, 3), 0.5)
    assert metrics.recall_at_k(y, p, 2) == pytest.approx(2 / 3)


@both
def test_the_best_threshold_has_the_largest_f1(directed):
    y, p = (array.ravel() for array in pairs(directed))
    threshold = metrics.best_threshold(TRUTH, PROBABILITY, directed)
    best = max(sklearn.metrics.f1_score(y, p >= other) for other in np.unique(p)[::20])
    assert sklearn.metrics.f1_score(y, p >= threshold) >= best


def test_reliability_by_hand():
    p = np.zeros((1, 4, 4))
    p[0][np.triu_indices(4, 1)] = [0.1, 0.1, 0.2, 0.6, 0.7, 0.9]
    y = np.zeros((1, 4, 4))
    y[0][np.triu_indices(4, 1)] = [0, 1, 0, 1, 1, 1]
    mean, share = metrics.reliability(y, p, bins=2)
    np.testing.assert_allclose(mean, [0.4 / 3, 2.2 / 3])
    np.testing.assert_allclose(share, [1 / 3, 1])


def test_the_callback_logs_exact_scores_before_those_that_watch():
    model = keras.Sequential([keras.Input((12, 12)), keras.layers.Activation("sigmoid")])
    model.compile(loss="binary_crossentropy")
    data = [(LOGITS[low : low + 16], TRUTH[low : low + 16]) for low in range(0, 40, 16)]
    scores = callbacks.LinkScores(data, k=5)
    stop = keras.callbacks.EarlyStopping("val_ap", mode="max", patience=0)
    fit = {"epochs": 4, "verbose": 0, "callbacks": [scores, stop]}
    logs = model.fit(LOGITS, TRUTH.astype("float32"), **fit).history
    assert len(logs["val_ap"]) == 2  # the model cannot improve
    expected = metrics.link_scores(TRUTH, PROBABILITY)
    assert logs["val_ap"][0] == pytest.approx(expected["AP"], rel=1e-6)
    assert logs["val_log_loss"][0] == pytest.approx(expected["log-loss"], rel=1e-5)
    assert logs["val_recall_at_5"][0] == pytest.approx(metrics.recall_at_k(TRUTH, PROBABILITY, 5))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: metrics.recall_at_k(TRUTH, PROBABILITY, 67), "`k` must be an int in 1 … 66"),
        (lambda: metrics.recall_at_k(0 * TRUTH, PROBABILITY, 3), "`truth` must hold links"),
        (lambda: metrics.best_threshold(0 * TRUTH, PROBABILITY), "`truth` must hold links"),
        (lambda: metrics.reliability(TRUTH, PROBABILITY[:3]), "must have one shape"),
        (lambda: metrics.LinkF1()(TRUTH, PROBABILITY[:, :3]), "must have one shape"),
        (lambda: metrics.LinkAUC()(TRUTH, PROBABILITY, TRUTH), "`sample_weight` must be None"),
    ],
)
def test_bad_arguments(act, message):
    with pytest.raises(ValueError, match=message):
        act()
