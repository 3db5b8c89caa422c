"""Scores, new ties, figures and reports of link predictors, with scikit-learn as the oracle."""

import csv
import os
import pathlib
import tempfile

import keras
import numpy as np
from sklearn import metrics

from stgkeras import datasets, links, models
from tests.campaign import constructed
from tests.campaign.builder_scores import pairs_of
from tests.campaign.children import Input
from tests.campaign.constructed import fault_of_numbers

EXTRA = ("x", "graph", "history", "directed")
SMALL = {"units": 4, "num_blocks": 1, "filters": 3, "kernel_size": 2, "num_features": 5}
SMALL["input_length"] = 4
PARTS = {"val": range(4, 20), "test": range(20, 36)}
KINDS = [(directed, history) for directed in (False, True) for history in (0, 7)]


def snapshots(directed, nodes=6):
    draw = np.random.default_rng(nodes)
    ends = np.array([draw.choice(nodes, 2, replace=False) for _ in range(150)])
    names = np.array([f"n{i}" for i in range(nodes)])
    time = np.r_[np.sort(draw.uniform(0, 2400, 149)), 2399]
    source, target = names[ends.T]
    found = datasets.contacts_from_arrays(time, source, target, names=names, directed=directed)
    return found.snapshots(60)


def predictor(directed, history, nodes=6):
    more = {"decoder": "pairwise", "num_history": history} if history else {}
    return models.STGCNLinkPredictor(nodes, directed=directed, **more, **SMALL)


SNAPSHOTS = {directed: snapshots(directed) for directed in (False, True)}
MODELS = {kind: predictor(*kind) for kind in KINDS}


def windows(directed, history, part, length=4, of=None, **options):
    taus = {} if history else {"history": ()}
    return (of or SNAPSHOTS[directed]).windows(PARTS[part], length, **taus, **options)


def other_windows(directed, history, part):
    """Windows that do not fit the model or the other part."""
    return (
        windows(directed, history, part, shuffle=True),
        windows(directed, history, part, negatives=1),
        windows(directed, history, part, length=3),
        windows(directed, history, part, of=snapshots(directed, 5)),
        windows(not directed, history, part),
        *([windows(directed, 0, part)] if history else []),
    )


def other_model(directed, history):
    """Models that do not fit the windows."""
    return (
        lambda: predictor(directed, history, nodes=5),
        lambda: predictor(not directed, history),
        lambda: predictor(directed, 3),
        lambda: models.STGCN(6, graph=np.eye(6), kernel_size=1),
        lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
        lambda: models.STGCNLinkPredictor,
    )


def drawn(rng, folder, function, names):
    """Returns arguments of a function of this part, whether they are valid, and their text."""
    kind = rng.choice(KINDS)
    whole = {
        "model": MODELS[kind],
        "val": windows(*kind, "val"),
        "test": windows(*kind, "test"),
        "snapshots": SNAPSHOTS[kind[0]],
        "most": rng.choice((1, 3, 10, 100)),
        "name": rng.choice((None, "ours")),
        "title": rng.choice(("", "office", "$x_")),
        "folder": rng.choice((folder, pathlib.Path(folder))),
    }
    given = {name: whole[name] for name in names}
    fault = rng.choice(names) if rng.random() < 0.6 else None
    if fault is not None:
        choices = rng.sample(constructed.BAD, 2)
        if fault in PARTS:
            choices += rng.sample(other_windows(*kind, fault), 4)
        elif fault == "model":
            choices += [rng.choice(other_model(*kind))() for _ in range(2)]
        elif fault == "snapshots":
            choices += [snapshots(not kind[0]), snapshots(kind[0], 5), SNAPSHOTS[kind[0]].contacts]
        elif fault == "folder":
            choices += [os.path.join(folder, "absent"), __file__]
        given[fault] = rng.choice(choices)
    return given, fault, f"{function.__name__} {kind} `{fault}` = {given.get(fault)!r}"


def target(function, names, check):
    def draw(rng, folder):
        given, fault, told = drawn(rng, folder, function, names)

        def call():
            try:
                return function(**given)
            except Exception as error:
                if fault:
                    raise
                return error

        def checked(result):
            if isinstance(result, Exception):
                return f"valid arguments are refused: {result!r}"
            if fault in ("model", "val", "test", "snapshots", "folder"):
                return f"`{fault}` accepts {given[fault]!r}"
            if fault in ("name", "title") and not isinstance(given[fault], (str, type(None))):
                return f"`{fault}` accepts {given[fault]!r}"
            return check(result, given)

        return Input(call, function, checked, constructed.SIZE, told, EXTRA, writes=True)

    draw.__name__ = f"links_{function.__name__}"
    return draw


def fault_of_scores(table, given):
    test, model = given["test"], given["model"]
    parts = [test[i] for i in range(len(test))]
    truth = np.concatenate([y for _, y in parts])
    last = np.concatenate([x["graph"][:, -1] > 0 for x, _ in parts])
    own = np.concatenate([np.asarray(model.predict_on_batch(x)) for x, _ in parts])
    name = type(model).__name__ if given.get("name") is None else given["name"]
    y = pairs_of(truth, test.directed)
    for row, probability in ((name, own), ("last graph", last)):
        p = pairs_of(probability, test.directed)
        wanted = {
            "AUC": metrics.roc_auc_score(y, p),
            "AP": metrics.average_precision_score(y, p),
            "Brier": np.mean((y - p) ** 2),
        }
        found = table.loc[row, list(wanted)].to_numpy(float)
        wrong = fault_of_numbers(found, np.array(list(wanted.values())), 1e-4)
        if wrong:
            return f"{row}: {wrong}"
    count = max(1, round(y.sum() / len(truth)))
    return None if f"recall at {count}" in table else f"columns {list(table)}"


def fault_of_ties(table, given):
    of, most = given["snapshots"], given.get("most", 10)
    contacts = of.contacts
    taus = {} if "history" in {x.name for x in given["model"].inputs} else {"history": ()}
    chance = np.asarray(given["model"].predict_on_batch(of.latest(4, **taus)))[0]
    met = set(zip(contacts.source.tolist(), contacts.target.tolist(), strict=True))
    wanted = []
    for s in range(of.num_nodes):
        for t in range(of.num_nodes):
            both = {(s, t)} if contacts.directed else {(s, t), (t, s)}
            if s != t and not met & both and (contacts.directed or s < t):
                names = contacts.names[s], contacts.names[t]
                wanted.append((chance[t, s], *names))
    wanted = sorted(wanted, key=lambda row: -row[0])[:most]
    if len(table) != len(wanted):
        return f"{len(table)} ties instead of {len(wanted)}"
    known = {(s, t): p for p, s, t in wanted}
    for row in table.itertuples():
        if abs(known.get((row.source, row.target), -1) - row.probability) > 1e-5:
            return f"{row} instead of {wanted}"
    return None if (np.diff(table["probability"]) <= 0).all() else "no descending order"


def fault_of_figures(figures, given):
    wanted = ["next_graph", "new_ties", "reliability"]
    if list(figures) != wanted:
        return f"figures {list(figures)}"
    shown = figures["next_graph"].axes
    return None if shown else "an empty figure"


def fault_of_report(table, given):
    folder = pathlib.Path(given["folder"])
    found = sorted(path.name for path in folder.iterdir())
    wanted = [f"{name}.png" for name in ("next_graph", "new_ties", "reliability")]
    if found != sorted([*wanted, "table.csv", "new_ties.csv"]):
        return f"files {found}"
    with open(folder / "table.csv", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    numbers = np.array([row[1:] for row in rows[1:]])
    stored = np.where(numbers == "", "nan", numbers).astype(float)
    return fault_of_numbers(stored, table.to_numpy(float)) or fault_of_scores(table, given)


PREDICTED = ("model", "val", "test", "name")
with tempfile.TemporaryDirectory() as place:  # loads the fonts and the code of figures
    kind = KINDS[1]
    val_and_test = windows(*kind, "val"), windows(*kind, "test")
    links.report(place, MODELS[kind], *val_and_test)
TARGETS = (
    target(links.evaluate, PREDICTED, fault_of_scores),
    target(links.new_ties, ("model", "snapshots", "most"), fault_of_ties),
    target(links.figures, ("model", "test", "name", "title"), fault_of_figures),
    target(links.report, ("folder", *PREDICTED, "title"), fault_of_report),
)
