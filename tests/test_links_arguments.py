"""Functions on link predictors: what does not fit, and the history that a model reads."""

import keras
import numpy as np
import pytest
from test_links import Fixed, make

from stgkeras import datasets, links, models

LENGTH = {"input_length": 3, "num_features": 5}
SMALL = {"units": 2, "num_blocks": 1, "filters": 2, "kernel_size": 2, **LENGTH}


def predictor(people=6, history=7, **options):
    more = {"decoder": "pairwise", "num_history": history} if history else {}
    return models.STGCNLinkPredictor(people, **more, **SMALL, **options)


def parts(snapshots, **options):
    return [snapshots.windows(range(*part), 3, **options) for part in ((15, 22), (22, 30))]


def expected_ties(model, inputs, graphs, most):
    """The most probable pairs that never met, from a loop over all pairs."""
    chance = model.predict(inputs, verbose=0)[0]
    pairs = [(n, m) for n in range(6) for m in range(n + 1, 6) if not graphs[:, n, m].any()]
    return sorted((float(chance[n, m]) for n, m in pairs), reverse=True)[:most]


@pytest.mark.parametrize("history", [(), (0.5, 20.0)])
def test_new_ties_read_the_history_of_the_model(history, tmp_path):
    snapshots, graphs, _ = make(False)
    model = predictor(history=len(history))
    wanted = expected_ties(model, snapshots.latest(3, history=history), graphs, 4)
    given = {"history": history} if history else {}  # a model without a history needs none
    found = links.new_ties(model, snapshots, 4, **given)
    np.testing.assert_allclose(found["probability"], wanted, rtol=1e-5)
    table = links.report(tmp_path, model, *parts(snapshots, history=history))
    assert table.index[0] == "STGCNLinkPredictor"
    written = np.genfromtxt(tmp_path / "new_ties.csv", delimiter=",", skip_header=1)[:4, 2]
    np.testing.assert_allclose(written, wanted, rtol=1e-5)


def test_arguments_that_do_not_fit():
    snapshots, _, probability = make(False)
    directed, few = make(True)[0], make(False, people=5)[0]
    val, test = parts(snapshots)
    model, fixed = predictor(), Fixed(probability)
    other = parts(snapshots, history=())[1]
    cases = [
        ((model, val, few.windows(range(22, 30), 3)), r"`test` must have .*graph \(3, 6, 6\)"),
        ((model, val, other), r"`test` must have the inputs .*history .*Received: graph \(3, 6"),
        ((model, snapshots.windows(range(15, 22), 2), test), "`val` must have the inputs of the"),
        ((predictor(5), val, test), r"`val` must have the inputs of the model: graph \(3, 5, 5\)"),
        ((model, val, parts(directed)[1]), "`test` must have the direction of `model`.*test with"),
        ((fixed, parts(directed)[0], test), "`val` must have the direction of `test`"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            links.evaluate(*arguments)
    with pytest.raises(ValueError, match="`snapshots` must have the direction of `model`. Rec"):
        links.new_ties(model, directed)
    with pytest.raises(ValueError, match="`snapshots` must have the inputs of the model"):
        links.new_ties(model, few)


def test_arguments_of_another_type(tmp_path):
    snapshots, _, probability = make(False)
    (val, test), model = parts(snapshots), Fixed(probability)
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    cases = [
        (links.evaluate, ([1], val, test), "`model` must be a Model. Received: model of type list"),
        (links.evaluate, (models.STGCNLinkPredictor, val, test), "Received: model of type the cl"),
        (links.figures, (plain, test), r"`model` must return probabilities \(batch, N, N\)"),
        (links.figures, (model, test, 5), "`name` must be a str. Received: name=5"),
        (links.figures, (model, test, None, b"x"), "`title` must be a str. Received: title=b'x'"),
        (links.new_ties, (model, snapshots.contacts), "`snapshots` must be a Snapshots. Received"),
        (links.report, (5, model, val, test), "`folder` must be a path"),
    ]
    for function, arguments, message in cases:
        with pytest.raises(TypeError, match=message):
            function(*arguments)
    absent = tmp_path / "absent"
    with pytest.raises(ValueError, match="`folder` must be an existing folder. Received: folder="):
        links.report(absent, model, val, test)
    assert not absent.exists()
    generated = datasets.load_dynamic_graphs(
        num_sequences=1, num_nodes=8, num_steps=60, cache_dir=tmp_path / "cache"
    ).windows([0], 3)
    with pytest.raises(TypeError, match="`test` must be windows of snapshots. Received: test of"):
        links.figures(Fixed(np.full((8, 8), 0.5)), generated)
