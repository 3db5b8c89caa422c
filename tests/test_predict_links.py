"""The example on contacts, small enough to train in seconds: its figures are computed again."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import on_fastest
from sklearn import metrics as independent

from stgkeras import datasets

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import predict_links


def run(*arguments):
    predict_links.main(predict_links.parse([str(argument) for argument in arguments]))


def write(path, people=7, steps=40):
    """Contacts in snapshots of 100 seconds: half of the pairs meet, in a third of them."""
    rng = np.random.default_rng(0)
    rows = []
    for step in range(steps):
        for source in range(people):
            for target in range(source):
                if (source + target) % 2 and (rng.random() < 0.3 or (source, target) == (1, 0)):
                    rows.append((100 * step + rng.integers(100), f"p{source}", f"p{target}"))
    pd.DataFrame(rows, columns=["time", "source", "target"]).to_csv(path, index=False)


@pytest.mark.parametrize("directed", on_fastest([False, True], [True]))
def test_table_ties_and_pictures(tmp_path, capsys, directed):
    write(tmp_path / "contacts.csv")
    out = tmp_path / "run"
    options = ["--width", 100, "--length", 5, "--epochs", 1, "--out", out]
    run(tmp_path / "contacts.csv", *options, *(["--directed"] if directed else []))

    snapshots = datasets.load_contacts(tmp_path / "contacts.csv", directed).snapshots(100)
    assert snapshots.num_steps == 40
    model = keras.models.load_model(out / "model.keras")
    assert model.directed == directed
    pairs = ~np.eye(7, dtype=bool) if directed else np.triu(np.ones((7, 7), bool), 1)

    def scores(probability, first=32):  # the last 20 % test
        truth = snapshots.adjacency(range(first, 40)) > 0
        link, p = truth[:, pairs].ravel(), probability[:, pairs].ravel()
        return independent.roc_auc_score(link, p), independent.average_precision_score(link, p)

    table = pd.read_csv(out / "table.csv", index_col=0)
    test = snapshots.windows(np.arange(32, 40), 5)
    expected = scores(model.predict(test, verbose=0))
    np.testing.assert_allclose(table.loc["STGCN", ["AUC", "AP"]], expected, rtol=1e-4)
    past = snapshots.adjacency(range(40)) > 0
    expected = scores(past[31:39].astype("float32"))
    np.testing.assert_allclose(table.loc["last graph", ["AUC", "AP"]], expected, rtol=1e-6)
    expected = scores(np.stack([past[step - 5 : step].mean(axis=0) for step in range(32, 40)]))
    np.testing.assert_allclose(table.loc["mean of the window", ["AUC", "AP"]], expected, rtol=1e-6)
    assert table.loc["mean of all contacts", ["log-loss", "Brier"]].isna().all()
    f1 = independent.f1_score(past[32:][:, pairs].ravel(), past[31:39][:, pairs].ravel())
    record = json.loads((out / "metrics.json").read_text())
    np.testing.assert_allclose(record["test"]["last graph"]["F1"], f1, rtol=1e-6)

    # Pairs of even sum never meet; of directed ones, neither do those from low to high.
    ties = pd.read_csv(out / "new_ties.csv")
    met = past.any(axis=0)
    after = model.predict(snapshots.latest(5), verbose=0)[0]
    ends = [ties[end].str[1:].astype(int) for end in ("target", "source")]
    assert not met[*ends].any() and (ties["probability"].diff().dropna() <= 0).all()
    np.testing.assert_allclose(ties["probability"], after[*ends], rtol=1e-4, atol=1e-7)
    never = after[~met & pairs]
    np.testing.assert_allclose(
        ties["probability"], np.sort(never)[::-1][: len(ties)], rtol=1e-4, atol=1e-7
    )
    assert len(ties) == min(10, len(never))
    for name in ("next_graph", "new_ties", "reliability"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "mean of all contacts" in capsys.readouterr().out


def test_too_few_snapshots_and_a_full_folder(tmp_path):
    write(tmp_path / "contacts.csv", steps=10)
    with pytest.raises(SystemExit, match="10 snapshots are too few. Use a smaller --width"):
        run(tmp_path / "contacts.csv", "--width", 100, "--out", tmp_path / "a")
    with pytest.raises(SystemExit, match="is not empty"):
        run(tmp_path / "contacts.csv", "--out", tmp_path)
