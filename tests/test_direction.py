"""Directed contacts: data, model, loss, metrics and scores agree, or say who does not."""

import keras
import numpy as np
import pytest
from conftest import on_fastest, once

from stgkeras import callbacks, datasets, losses, metrics, models

N, L = 5, 3
both = pytest.mark.parametrize("directed", [False, True])


def snapshots(directed):
    rng = np.random.default_rng(0)
    source = rng.integers(0, N, 300)
    target = (source + rng.integers(1, N, 300)) % N
    contacts = datasets.contacts_from_arrays(
        rng.uniform(0, 4000, 300), source, target, names=list("abcde"), directed=directed
    )
    return contacts.snapshots(100)


def windows(directed):
    return snapshots(directed).windows(np.arange(L, 20), L, history=(), batch_size=8)


def predictor(directed, **compiled):
    model = models.ASTGCNLinkPredictor(
        N, input_length=L, num_features=5, num_blocks=1, spatial_filters=2, temporal_filters=2,
        units=2, directed=directed,
    )  # fmt: skip
    model.compile(**{"optimizer": "sgd", "loss": losses.FocalLoss(), **compiled})
    return model


@both
def test_the_data_say_whether_links_are_directed(directed):
    assert snapshots(directed).directed == windows(directed).directed == directed
    y = np.concatenate([y for _, y in windows(directed)])
    assert (y == y.swapaxes(1, 2)).all() != directed


@both
def test_a_model_of_the_other_direction_is_refused(directed):
    data, other = windows(directed), windows(not directed)
    model = predictor(directed)
    model.fit(data, validation_data=data, verbose=0, shuffle=False)
    model.evaluate(data, verbose=0)
    message = (
        f"`directed` of the model .*directed={directed}, contacts with directed={not directed}"
    )
    for way in (
        lambda: model.fit(other, verbose=0),
        lambda: model.evaluate(other, verbose=0),
        lambda: model.fit(data, validation_data=other, verbose=0, shuffle=False),
        lambda: model.predict(other, verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            way()


DTYPES = ["bool", "float32", "int32"]


@pytest.mark.parametrize("dtype", on_fastest(DTYPES, DTYPES[:1]))
def test_targets_of_an_undirected_model_are_symmetric(dtype):
    x, y = windows(True)[0]
    y = y.astype(dtype)
    message = r"`y` must hold symmetric graphs .*directed=False. Received: . at y\[0, ., .\], and ."
    model = predictor(False, loss=keras.losses.BinaryCrossentropy())
    for way in (
        lambda: model.fit(x, y, verbose=0),
        lambda: model.train_on_batch(x, y),
        lambda: model.test_on_batch(x, y),
        lambda: model.evaluate(((x, y) for _ in range(2)), verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            way()
    model.fit(x, np.maximum(y, y.swapaxes(1, 2)), verbose=0)
    predictor(True, loss=keras.losses.BinaryCrossentropy()).fit(x, y, verbose=0)


METRICS = [
    metrics.LinkF1,
    metrics.LinkBrier,
    metrics.LinkAUC,
    metrics.LinkAveragePrecision,
]


@once
@both
@pytest.mark.parametrize("metric", METRICS)
def test_metrics_count_the_pairs_of_the_model(directed, metric):
    for name in ("metrics", "weighted_metrics"):
        predictor(directed, **{name: [metric(directed=directed), "mse"]})
        message = f"`metrics` .*{metric.__name__} with directed={not directed}, model .*={directed}"
        with pytest.raises(ValueError, match=message):
            predictor(directed, **{name: ["mse", metric(directed=not directed)]})


@once
@both
def test_losses_count_the_pairs_of_the_model(directed):
    same, other = ("directed", "undirected")[:: 1 if directed else -1]
    for loss in ("mse", losses.FocalLoss(), losses.FocalLoss(pairs=same)):
        predictor(directed, loss=loss)
    with pytest.raises(ValueError, match=f"`loss` .*FocalLoss with pairs='{other}', model"):
        predictor(directed, loss=losses.FocalLoss(pairs=other))


@once
@both
def test_the_callback_takes_the_direction_of_the_data(directed):
    data, model = windows(directed), predictor(directed)
    scores = callbacks.LinkScores(data, k=3)
    logs = model.fit(data, verbose=0, shuffle=False, callbacks=[scores]).history
    truth = np.concatenate([y for _, y in data])
    p = model.predict(data, verbose=0)
    expected = metrics.link_scores(truth, p, directed)["Brier"]
    assert logs["val_brier"][0] == pytest.approx(expected, rel=1e-5)
    expected = metrics.recall_at_k(truth, p, 3, directed)
    assert logs["val_recall_at_3"][0] == pytest.approx(expected)
    for wrong in (
        callbacks.LinkScores(data, directed=not directed),
        callbacks.LinkScores(windows(not directed)),
        callbacks.LinkScores([(x, y) for x, y in data], directed=not directed),
    ):
        with pytest.raises(ValueError, match=f"`directed` must be .*model.directed={directed}"):
            model.fit(data, verbose=0, shuffle=False, callbacks=[wrong])


@once
def test_scores_of_undirected_links_need_symmetric_graphs():
    truth = np.zeros((2, 3, 3))
    truth[1, 2, 0] = 1
    p = np.full(truth.shape, 0.5)
    functions = [
        metrics.link_scores,
        metrics.best_threshold,
        metrics.reliability,
        lambda *arrays, **kwargs: metrics.recall_at_k(*arrays, 1, **kwargs),
    ]
    message = r"symmetric with directed=False. .*0.0 at truth\[1, 0, 2\], and 1.0 at truth\[1, 2"
    for function in functions:
        with pytest.raises(ValueError, match=message):
            function(truth, p)
        function(truth, p, directed=True)
        function(truth + truth.swapaxes(1, 2), p)


@pytest.mark.parametrize("pairs", ["directed", "undirected"])
def test_a_mean_with_sample_weight_counts_the_pairs_of_all_graphs(pairs):
    y, p = np.zeros((3, 4, 4)), np.full((3, 4, 4), 0.5)
    loss = losses.FocalLoss(1.0, 0.0, pairs=pairs, reduction="mean_with_sample_weight")
    for weight in (None, np.array([1.0, 2.0, 4.0])):
        assert float(loss(y, p, weight)) == pytest.approx(np.log(2), rel=1e-6)
