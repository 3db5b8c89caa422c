"""Forecasters and models that are made from an adjacency, and reports on forecasts."""

import datetime
import pathlib
import re
import tempfile

import numpy as np
import scipy.sparse as sp

from stgkeras import Forecaster, datasets, graphs, models, reports
from tests.campaign import constructed
from tests.campaign.builder_models import make
from tests.campaign.constructed import fault_of_numbers, fault_of_shape, some

import cases  # isort: skip

N, STEPS = cases.NODES, 60
START = datetime.datetime(2024, 5, 1)


def draws(rng):
    return np.random.default_rng(rng.getrandbits(32))


# Models from an adjacency


def adjacencies(rng):
    matrix = cases.adjacency() * rng.choice((1, 1, 3.5))
    return sp.csr_array(matrix) if rng.random() < 0.4 else matrix


def filters_of(cls, operator):
    def valid(rng):
        found = {"adjacency": adjacencies(rng), "filters": rng.choice(((3,), (3, 2), [4]))}
        sizes = (2,) if len(found["filters"]) > 1 else (2, 4)  # there are few edges
        found |= some(rng, {"pool_size": sizes, "operator": (None, operator)}, 0.4)
        return {**found, "num_classes": 3}

    def use(function, given, rng):
        model = function(**given)
        x = draws(rng).standard_normal((2, model.num_nodes, 1)).astype("float32")
        return model, model.predict_on_batch(x)

    def check(result, given):
        model, found = result
        levels, size = len(given["filters"]), given.get("pool_size", 2)
        first = model.graph[0] if isinstance(model.graph, (tuple, list)) else model.graph
        first = first.toarray() if sp.issparse(first) else np.asarray(first)
        wanted = operator(given["adjacency"])
        fault = fault_of_shape(found, (2, 3)) or fault_of_numbers(first, np.asarray(wanted))
        if len(model.clusters) != levels or {c.shape[1] for c in model.clusters} != {size}:
            return f"clusters {model.clusters}"
        return fault

    name = f"{cls.__name__}_from_adjacency"
    return constructed.target(cls.from_adjacency, valid, use, check, ("graph", "K"), name=name)


def dense(function):
    def operator(adjacency):
        found = function(adjacency)
        return found.toarray() if sp.issparse(found) else found

    return operator


MADE = (
    (models.SpectralCNN, lambda adjacency: graphs.fourier_basis(adjacency)[1]),
    (models.ChebNet, dense(graphs.scaled_laplacian)),
    (models.GCN, dense(graphs.renormalized_adjacency)),
)


# Forecasters that are not trained


def forecaster(rng):
    choices = {
        "model": ("STGCN", "ASTGCN", "GraphSTID", models.STGCN, lambda nodes, **_: None),
        "horizon": (1, 3, 12),
        "input_length": (None, 5, 12),
        "season": ("auto", True, False),
        "targets": (None, "speed", ["speed", "flow"]),
        "graph": (None, np.eye(N)),
        "dropout": (0.1, 0.5),
    }
    return some(rng, choices, 0.4)


def sizes(cls, given, rng):
    made = cls(**given)
    length = given.get("input_length")
    wanted = given.get("horizon", 12), length or max(12, given.get("horizon", 12))
    if (made.horizon, made.input_length) != wanted:
        return f"{made.horizon}, {made.input_length} instead of {wanted}"
    try:
        made.forecast()
    except ValueError as error:
        return None if "must be trained first" in str(error) else f"{error}"
    return "a forecast without training"


# Reports


def series(rng, dated=None):
    values = draws(rng).normal(50, 10, (STEPS, 3, 2))
    values[draws(rng).random(values.shape) < rng.choice((0, 0.1))] = np.nan
    dated = rng.random() < 0.7 if dated is None else dated
    times = [START + datetime.timedelta(hours=i) for i in range(STEPS)] if dated else None
    more = some(rng, {"units": (["km/h", ""],), "graph": (np.ones((3, 3)),)})
    return datasets.from_arrays(
        values,
        timestamps=times,
        interval=60,
        features=["speed", "flow"],
        null_value=np.nan,
        **more,
    )


def compared(rng):
    of, horizon = series(rng), rng.choice((1, 2, 8))
    first, targets = np.arange(12, STEPS - horizon + 1), rng.choice(((0,), (1,), (0, 1)))
    truth = of.values[..., list(targets)][first[:, None] + np.arange(horizon)]
    forecasts = {name: np.nan_to_num(truth) + far for name, far in (("ours", 1), ("last", 2))}
    return {"series": of, "first": first, "forecasts": forecasts, "targets": targets}


def compare(cls, given, rng):
    made = cls(**given)
    for far, name in enumerate(given["forecasts"], 1):
        for place in range(len(given["targets"])):
            found = made.errors(target=place)[name]
            wrong = fault_of_numbers([found["MAE mean"], found["RMSE mean"]], [far, far])
            if wrong:
                return wrong
    return None


def comparison(rng):
    return {"comparison": reports.Comparison(**compared(rng))}


def drawing(rng):
    return comparison(rng) | some(rng, {"steps": (None, [1]), "graph": (None, np.ones((3, 3)))})


def page(rng):
    path = rng.choice(("report.html", pathlib.Path("report.html")))
    more = {"title": ("", "<b>"), "days": (1, 0.5, 3), "facts": (None, {"a": "<x>"})}
    return drawing(rng) | {"path": path} | some(rng, more)


def written(function, given, rng):
    function(**given)
    text = pathlib.Path(given["path"]).read_text("utf-8")
    if re.search("(src|href)=.(https?:)?//", text) or "<x>" in text or "<title><b>" in text:
        return "an address, or text that is not escaped"
    return None if "3 sensors" in text else "no facts"


def pictures(function, given, rng):
    found = function(**given)
    wanted = {"forecast", "errors"} if given["comparison"].series.timestamps is not None else set()
    empty = [name for name, figure in found.items() if not figure.axes]
    return f"{list(found)}" if empty or not wanted <= set(found) else None


def reach(rng):
    found = {"input_length": rng.randint(1, 6), "horizon": rng.choice((1, 3))}
    split = datasets.split_windows(STEPS, **found)
    return {"series": series(rng), "split": split, **found, **some(rng, {"num_outputs": (1, 2)})}


def usual(function, given, rng):
    found = function(**given)
    values = given["series"].values[..., : given.get("num_outputs", 1)]
    steps = given["split"].test[:, None] + given["input_length"] + np.arange(given["horizon"])
    for name, forecast in found.items():
        wrong = fault_of_shape(np.nan_to_num(forecast), values[steps].shape)
        if wrong:
            return f"{name}: {wrong}"
    day, known = found.get("same time last day"), values[np.maximum(steps - 24, 0)]
    seen = np.isfinite(known) & (steps >= 24)[..., None, None] if day is not None else None
    return None if day is None else fault_of_numbers(day[seen], known[seen])


def cut(rng):
    model = make(models.STGCN, rng)
    values = draws(rng).normal(50, 10, (STEPS, N, 1))
    of = datasets.from_arrays(values, interval=60)
    starts = np.array(rng.sample(range(STEPS - 6), 5))
    return {"model": model, "series": of, "starts": starts} | some(rng, {"targets": ((0,), [0])})


def windows(function, given, rng):
    found, values = function(**given), given["series"].values.astype("float32")
    x, y = found[0]
    wanted = values[np.asarray(given["starts"])[:, None] + np.arange(5)]
    ahead = values[np.asarray(given["starts"])[:, None] + np.arange(5, 7)]
    return fault_of_numbers(x, wanted) or fault_of_numbers(y, ahead)


def edges(function, given, rng):
    found, wanted = function(**given), cases.laplacian()
    return fault_of_numbers(found, np.where(np.eye(N), 0, wanted))


def attended(rng):
    found = cut(rng)
    return {"model": make(models.ASTGCN, rng), "series": found["series"], "starts": found["starts"]}


def attention(function, given, rng):
    found = function(**given)
    return None if found["attention"].axes else "an empty figure"


def target(function, valid, use, extra=(), **more):
    """A target of which `use` returns what is wrong."""
    return constructed.target(function, valid, use, lambda found, _: found, extra, **more)


with tempfile.TemporaryDirectory() as place:  # loads the fonts and the code of figures
    import random

    reports.write_page(pathlib.Path(place, "a.html"), **drawing(random.Random(3)))
RUN = ("starts", "inputs", "targets", "target", "values")
TARGETS = (
    *(filters_of(*one) for one in MADE),
    target(Forecaster, forecaster, sizes, also={"model": [print], "season": [True, False]}),
    target(reports.Comparison, compared, compare, ("truth", "forecast", "steps", "target")),
    target(reports.baselines, reach, usual, RUN),
    target(reports.model_windows, cut, windows, RUN),
    target(reports.graph_of, lambda rng: {"model": make(models.STGCN, rng)}, edges),
    target(reports.pictures, drawing, pictures),
    target(reports.write_page, page, written, writes=True),
    target(reports.attention, attended, attention, RUN),
)
