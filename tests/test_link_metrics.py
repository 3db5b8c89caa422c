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
    y[0, 0, 1] = y[0, 1, 0] = 1
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
    y += y.swapaxes(1, 2)
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


METRICS = [
    metrics.LinkAUC,
    metrics.LinkAveragePrecision,
    metrics.LinkF1,
    metrics.LinkBrier,
]
DIRECTED_PAIR, UNCOUNTED = (2, 5, 3), (2, 4, 4)  # the first counts if pairs are directed


def with_nan(array, place):
    array = array.astype("float32")
    array[place] = np.nan
    return array


@both
@pytest.mark.parametrize("cls", METRICS)
def test_nan_at_a_pair_that_counts_is_the_result_until_the_reset(cls, directed):
    clean = over_batches(cls(directed=directed))
    for truth, p in [
        (with_nan(TRUTH, (2, 3, 5)), PROBABILITY),
        (TRUTH, with_nan(PROBABILITY, (2, 3, 5))),
        (TRUTH, np.full_like(PROBABILITY, np.nan)),
    ]:
        metric = cls(directed=directed)
        metric.update_state(truth[:16], p[:16])
        assert np.isnan(over_batches(metric))
        metric.reset_state()
        assert over_batches(metric) == clean
    for place in [UNCOUNTED] if directed else [UNCOUNTED, DIRECTED_PAIR]:
        metric = cls(directed=directed)
        metric.update_state(with_nan(TRUTH, place)[:16], with_nan(PROBABILITY, place)[:16])
        metric.update_state(TRUTH[16:], PROBABILITY[16:])
        assert float(metric.result()) == pytest.approx(clean, rel=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_nan_is_logged_by_compiled_metrics(jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("fit does not compile on torch by default")
    model = keras.Sequential([keras.Input((12, 12)), keras.layers.Activation("sigmoid")])
    compiled = [cls(name=cls.__name__) for cls in METRICS]
    model.compile(loss="mse", metrics=compiled, jit_compile=jit_compile)
    evaluate = {"batch_size": 16, "verbose": 0, "return_dict": True}
    truth = TRUTH.astype("float32")
    logs = model.evaluate(with_nan(LOGITS, (2, 3, 5)), truth, **evaluate)
    assert np.isnan([logs[cls.__name__] for cls in METRICS]).all()
    logs = model.evaluate(LOGITS.astype("float32"), truth, **evaluate)
    assert np.isfinite([logs[cls.__name__] for cls in METRICS]).all()


@both
def test_recall_at_k_of_nan_is_nan(directed):
    for truth, p in [
        (with_nan(TRUTH, (2, 3, 5)), PROBABILITY),
        (TRUTH, with_nan(PROBABILITY, (2, 3, 5))),
        (np.full(TRUTH.shape, np.nan), PROBABILITY),
    ]:
        assert np.isnan(metrics.recall_at_k(truth, p, 5, directed))
    uncounted = with_nan(PROBABILITY, UNCOUNTED if directed else DIRECTED_PAIR)
    clean = metrics.recall_at_k(TRUTH, PROBABILITY, 5, directed)
    assert metrics.recall_at_k(TRUTH, uncounted, 5, directed) == clean


FUNCTIONS = [metrics.link_scores, metrics.best_threshold, metrics.reliability]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_no_number_is_refused(function):
    for wrong in (np.nan, np.inf, -np.inf):
        p = PROBABILITY.copy()
        p[2, 3, 5] = wrong
        with pytest.raises(ValueError, match=f"not hold NaN or inf.*1 of 2640 .*{wrong}. Check"):
            function(TRUTH, p)
    with pytest.raises(ValueError, match="`truth` must hold 0 and 1, not NaN.*1 of 2640"):
        function(with_nan(TRUTH, (2, 3, 5)), PROBABILITY)
    function(TRUTH, with_nan(PROBABILITY, DIRECTED_PAIR))
    function(TRUTH, LOGITS)  # scores that only rank


def test_the_callback_ends_fit_before_a_broken_model_is_kept(tmp_path):
    model = keras.Sequential([keras.Input((12, 12)), keras.layers.Dense(12, "sigmoid")])
    model.compile(loss="mse")
    model.set_weights([np.full((12, 12), np.nan), np.zeros(12)])
    keep = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", "val_ap", save_best_only=True, mode="max"
    )
    scores = callbacks.LinkScores([(LOGITS, TRUTH)])
    with pytest.raises(ValueError, match="model after epoch 0, counted from 0: .*not hold NaN"):
        model.fit(LOGITS, TRUTH, epochs=3, verbose=0, callbacks=[scores, keep])
    assert not (tmp_path / "best.keras").exists()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: metrics.recall_at_k(TRUTH, PROBABILITY, 67), "`k` must be .* pairs, 66. .*=67"),
        (lambda: metrics.recall_at_k(0 * TRUTH, PROBABILITY, 3), "`truth` must hold links"),
        (lambda: metrics.best_threshold(0 * TRUTH, PROBABILITY), "`truth` must hold links"),
        (lambda: metrics.reliability(TRUTH, PROBABILITY[:3]), "must have the same shape"),
        (lambda: metrics.LinkF1()(TRUTH, PROBABILITY[:, :3]), "must have the same shape"),
        (
            lambda: metrics.LinkAUC()(TRUTH, PROBABILITY, TRUTH),
            "`sample_weight` must be None.*`metrics`",
        ),
    ],
)
def test_bad_arguments(act, message):
    with pytest.raises(ValueError, match=message):
        act()
