"""Scores, new ties and figures of a link predictor, against counts made by hand."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as independent

from stgkeras import datasets, links
from stgkeras.links.new_ties import first_contact_rate


class Fixed(keras.Model):
    """Predicts the same probabilities for every window."""

    def __init__(self, probability):
        super().__init__()
        self.probability, self.input_length = probability.astype("float32"), 3

    def call(self, inputs):
        ones = keras.ops.ones_like(inputs["graph"][:, -1])
        return ones * self.probability


def make(directed, people=6, steps=30):
    """Snapshots of 100 s, in which pairs of odd sum meet, and their contacts by hand."""
    rng = np.random.default_rng(0)
    rows = [
        (100 * step + 1, source, target)
        for step in range(steps)
        for source in range(people)
        for target in range(people)
        if source != target and (source + target) % 2 and rng.random() < 0.2
    ]
    time, source, target = np.array(rows).T
    names = [f"p{number}" for number in range(people)]
    contacts = datasets.contacts_from_arrays(time, source, target, None, names, directed)
    graphs = np.zeros((steps, people, people))
    for t, s, e in rows:
        graphs[t // 100, e, s] = 1
        if not directed:
            graphs[t // 100, s, e] = 1
    snapshots = contacts.snapshots(100, keep_empty=True)
    assert snapshots.num_steps == steps
    probability = rng.random((people, people))
    if not directed:
        probability = (probability + probability.T) / 2
    return snapshots, graphs, probability


@pytest.mark.parametrize("directed", [False, True])
def test_scores_beside_baselines(directed):
    snapshots, graphs, probability = make(directed)
    val, test = (snapshots.windows(np.arange(*part), 3) for part in ((15, 22), (22, 30)))
    table = links.evaluate(Fixed(probability), val, test, "fixed")
    rows = ["fixed", "last graph", "mean of the window", "exponential mean"]
    assert table.index.tolist() == [*rows, "mean of all contacts"]
    pairs = ~np.eye(6, dtype=bool) if directed else np.triu(np.ones((6, 6), bool), 1)
    windows = np.stack([graphs[step - 3 : step] for step in range(22, 30)])
    weights = np.array([0.64, 0.8, 1.0])
    weighted = np.einsum("t,btnm->bnm", weights / weights.sum(), windows)
    found = [np.broadcast_to(probability, (8, 6, 6)), windows[:, -1], windows.mean(1), weighted]
    truth = graphs[22:][:, pairs].ravel()
    for row, one in zip(rows, found, strict=True):
        p = one[:, pairs].ravel()
        expected = [
            independent.roc_auc_score(truth, p),
            independent.average_precision_score(truth, p),
            independent.log_loss(truth, np.clip(p, 1e-7, 1 - 1e-7)),
            independent.brier_score_loss(truth, p),
        ]
        columns = ["AUC", "AP", "log-loss", "Brier"]
        np.testing.assert_allclose(table.loc[row, columns], expected, rtol=1e-5)
    # The threshold comes from validation.
    on_val = np.broadcast_to(probability, (7, 6, 6))[:, pairs].ravel()
    val_truth = graphs[15:22][:, pairs].ravel()
    f1 = [independent.f1_score(val_truth, on_val >= value) for value in on_val]
    on_test = np.broadcast_to(probability, (8, 6, 6))[:, pairs].ravel()
    expected = independent.f1_score(truth, on_test >= on_val[np.argmax(f1)])
    assert table.loc["fixed", "F1"] == pytest.approx(expected, rel=1e-5)
    mean_links = max(1, round(graphs[22:][:, pairs].sum() / 8))
    assert f"recall at {mean_links}" in table
    assert table.loc["mean of all contacts", ["log-loss", "Brier"]].isna().all()


def test_windows_without_a_history_have_one_baseline_less():
    snapshots, _, probability = make(False)
    options = {"input_length": 3, "history": ()}
    val, test = (snapshots.windows(np.arange(*part), **options) for part in ((15, 22), (22, 30)))
    table = links.evaluate(Fixed(probability), val, test)
    assert table.index[0] == "Fixed" and "mean of all contacts" not in table.index


@pytest.mark.parametrize("directed", [False, True])
def test_new_ties_never_met_and_are_the_most_probable(directed):
    snapshots, graphs, probability = make(directed)
    found = links.new_ties(Fixed(probability), snapshots, most=4)
    open_pairs = ~graphs.any(axis=0) & ~np.eye(6, dtype=bool)
    pairs = np.argwhere(open_pairs if directed else np.triu(open_pairs))
    pairs = sorted(pairs.tolist(), key=lambda pair: -probability[*pair])[:4]
    ends = [(f"p{m}", f"p{n}") if directed else (f"p{n}", f"p{m}") for n, m in pairs]
    assert list(zip(found["source"], found["target"], strict=True)) == ends
    expected = [probability[*pair] for pair in pairs]
    np.testing.assert_allclose(found["probability"], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="`most` must be an integer of at least 1"):
        links.new_ties(Fixed(probability), snapshots, most=0)


@pytest.mark.parametrize("directed", [False, True])
def test_the_rate_of_first_contacts_counts_pairs_that_can_still_meet(directed):
    snapshots, graphs, _ = make(directed)
    pairs = ~np.eye(6, dtype=bool) if directed else np.triu(np.ones((6, 6), bool), 1)
    steps, first, still = np.arange(2, 9), 0, 0
    for step in steps:
        before = graphs[:step].any(axis=0)
        still += (~before & pairs).sum()
        first += (~before & pairs & (graphs[step] > 0)).sum()
    assert first > 0
    assert first_contact_rate(snapshots, steps) == pytest.approx(first / still)


def test_figures_name_the_data_the_time_and_a_baseline():
    snapshots, graphs, probability = make(False)
    test = snapshots.windows(np.arange(22, 30), 3)
    figures = links.figures(Fixed(probability), test, "fixed", title="office")
    fullest = 22 + int(graphs[22:].sum(axis=(1, 2)).argmax())
    first, second = figures["next_graph"].axes[0].get_title().split("\n")
    assert (
        first
        == f"office: day 1, 00:{100 * fullest // 60:02d} to 00:{100 * (fullest + 1) // 60:02d}"
    )
    both = int((graphs[fullest] * graphs[fullest - 1]).sum()) // 2
    assert second == f"{both} of {int(graphs[fullest].sum()) // 2} links were in the last graph"
    axes = figures["new_ties"].axes[0]
    assert axes.get_title() == "office: new ties in the graph\nafter day 1, 00:48 to 00:50"
    rate = first_contact_rate(snapshots, np.arange(22, 30))
    assert axes.lines[0].get_xdata()[0] == pytest.approx(rate)
    labels = [line.get_label() for line in figures["reliability"].axes[0].lines]
    assert {"calibrated", "fixed", "exponential mean"} <= set(labels)


def test_days_in_titles():
    contacts = datasets.contacts_from_arrays(86400 * np.arange(9.0), "ababababa", "bcbcbcbcb")
    for width, start in ((86400, "week: day "), (3 * 86400, "week: days 7 to 9")):
        snapshots = contacts.snapshots(width)
        probability = np.full((3, 3), 0.5)
        model, test = Fixed(probability), snapshots.windows([snapshots.num_steps - 1], 2)
        model.input_length = 2
        title = links.figures(model, test, title="week")["next_graph"].axes[0].get_title()
        assert title.startswith(start) and ":" not in title.splitlines()[0][5:]


def test_a_report_is_files(tmp_path):
    snapshots, _, probability = make(False)
    val, test = (snapshots.windows(np.arange(*part), 3) for part in ((15, 22), (22, 30)))
    table = links.report(tmp_path, Fixed(probability), val, test, "fixed", "office")
    pd.testing.assert_frame_equal(table, links.evaluate(Fixed(probability), val, test, "fixed"))
    written = pd.read_csv(tmp_path / "table.csv", index_col="prediction")
    pd.testing.assert_frame_equal(written, table, check_names=False, rtol=1e-12)
    ties = pd.read_csv(tmp_path / "new_ties.csv")
    expected = links.new_ties(Fixed(probability), snapshots)
    pd.testing.assert_frame_equal(ties, expected, rtol=1e-5, check_dtype=False)
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == ["new_ties.png", "next_graph.png", "reliability.png"]


def test_other_windows_are_refused():
    snapshots, graphs, probability = make(False)
    model, test = Fixed(probability), snapshots.windows(np.arange(22, 30), 3)
    with pytest.raises(TypeError, match="`val` must be windows of graphs. Received: val of"):
        links.evaluate(model, graphs, test)
    shuffled = snapshots.windows(np.arange(22, 30), 3, shuffle=True)
    with pytest.raises(ValueError, match="`test` must not be shuffled"):
        links.evaluate(model, test, shuffled)
    sampled = snapshots.windows(np.arange(22, 30), 3, negatives=2)
    with pytest.raises(ValueError, match="`test` must hold batches .* batch of 3 parts"):
        links.figures(model, sampled)
