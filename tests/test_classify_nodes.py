"""The example on Cora, for a few epochs."""

import json
import sys
from pathlib import Path

import keras
import pytest
import sklearn.manifold
from conftest import on_fastest
from graph_cases import data_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import classify_nodes


def run(*arguments):
    classify_nodes.main(classify_nodes.parse([str(argument) for argument in arguments]))


RUNS = [("chebnet", 1, 25), ("gcn", 2, 25)]


@pytest.mark.parametrize(("model", "seeds", "epochs"), on_fastest(RUNS, RUNS[:1]))
def test_classes_of_papers(model, seeds, epochs, tmp_path, capsys, monkeypatch):
    # The projection is slow, and scikit-learn's own.
    monkeypatch.setattr(sklearn.manifold, "TSNE", Projection)
    out = tmp_path / "run"
    data = data_file("cora", "cora.npz")
    run("--model", model, "--data", data, "--epochs", epochs, "--seeds", seeds, "--out", out)
    found = json.loads((out / "metrics.json").read_text())["test"]
    # The largest class of the test part holds 31.9 % of it; words alone reach 58 %.
    assert all(run["test"] > 65 for run in found)
    assert [run["seed"] for run in found] == list(range(seeds))
    assert len({(run["validation"], run["test"]) for run in found}) == seeds
    assert (out / "classes.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert ("mean" in printed and "std" in printed) == (seeds > 1)
    assert "words alone" in printed and "classes.png" in printed
    model = keras.models.load_model(out / "model.keras")
    assert model.graph.shape == (2708, 2708) and model.num_edges < 20_000  # never dense
    with pytest.raises(SystemExit, match="already holds a run"):
        run("--data", data, "--out", out)


class Projection:
    def __init__(self, random_state, perplexity):
        pass

    def fit_transform(self, hidden):
        assert hidden.shape in ((2708, 50), (2708, 16))  # of the words, and hidden features
        return hidden[:, :2]
