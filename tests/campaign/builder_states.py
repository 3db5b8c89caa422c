"""Layers that hold what the user gives them: graphs, clusters, scalers and seasons."""

import numpy as np
import scipy.sparse

from stgkeras import layers
from tests.campaign import constructed
from tests.campaign.builder_layers import N, normal, operator
from tests.campaign.constructed import fault_of_config, fault_of_numbers

import cases  # isort: skip
import numpy_layers  # isort: skip


def kept(cls, valid, give, fixed=()):
    """The target of a layer that holds state; `give` returns pairs of what it holds and must."""

    def use(cls, given, rng):
        made = cls(**given)
        return made, give(made, given, rng)

    def check(result, given):
        made, pairs = result
        for found, expected in pairs:
            wrong = fault_of_numbers(found, expected, 1e-4)
            if wrong:
                return wrong
        return fault_of_config(made)

    return constructed.target(cls, valid, use, check, ("x", "values", "calendar"), fixed)


def valid_scaler(rng):
    features = rng.choice((1, 2, 3))
    found = {"num_features": features}
    if rng.random() < 0.5:
        found["targets"] = rng.sample(range(features), rng.randint(1, features))
    return found


def scaled(made, given, rng):
    values = 50 + 10 * normal(rng, 20, N, made.num_features)
    values[rng.randrange(20), 0] = np.nan
    made.adapt(values)
    mean = np.nanmean(values.astype("float64"), axis=(0, 1))
    std = np.nanstd(values.astype("float64"), axis=(0, 1))
    x = values[None, :3].astype("float64")
    filled = np.where(np.isnan(x), mean, x)
    order = list(range(made.num_features)) if made.targets is None else list(made.targets)
    back = made(x[..., order].astype("float32"), inverse=True)
    found = made(x.astype("float32"))
    return [(found, (filled - mean) / std), (back, x[..., order] * std[order] + mean[order])]


def seasonal(made, given, rng):
    steps = made.steps_per_day
    draw = np.random.default_rng(rng.getrandbits(32))
    hour = np.arange(21 * steps) % steps / steps
    calendar = np.stack([hour, np.arange(21 * steps) // steps % 7], axis=-1)
    values = 50 + draw.standard_normal((21 * steps, made.num_nodes, made.num_features))
    made.adapt(values, calendar)
    kind = calendar[:, 1] >= 5
    season = np.zeros_like(values)
    for weekend in (False, True):
        for slot in range(steps):
            here = (kind == weekend) & (np.arange(len(values)) % steps == slot)
            season[here] = values[here].mean(axis=0)
    std = np.sqrt(((values - season) ** 2).mean(axis=(0, 1)))
    std = np.where(std > 1e-12, std, 1)
    x = values[None, :4].astype("float32")
    found = made(x, calendar[None, :4].astype("float32"))
    return [(np.asarray(found), (values - season)[None, :4] / std)]


def clusters(rng):
    number, size = rng.choice((1, 2)), rng.choice((1, 3))
    found = {"num_clusters": number, "pool_size": size}
    if rng.random() < 0.8:
        found["clusters"] = [[rng.randrange(N) for _ in range(size)] for _ in range(number)]
    return found


def held_clusters(made, given, rng):
    if given.get("clusters") is None:
        made.clusters = np.zeros((made.num_clusters, made.pool_size), int)
        return [(made(np.ones((1, N))), np.zeros((made.num_clusters, made.pool_size)))]
    return [(np.asarray(made(np.ones((1, N)))), np.asarray(given["clusters"]))]


def static(rng):
    matrix = operator(rng)
    kind = rng.choice(("dense", "sparse", "room", "basis", "none"))
    found = {"num_nodes": N, "graph": matrix}
    if kind == "sparse":
        found["graph"] = scipy.sparse.csr_array(matrix)
    elif kind == "room":
        found["num_edges"] = 25
    elif kind == "basis":
        found.update(graph=matrix[:, :3], num_frequencies=3)
    elif kind == "none":
        del found["graph"]
    return found


def static_terms(rng):
    found = {"num_nodes": N, "K": rng.choice((1, 2, 3)), "graph": operator(rng)}
    if rng.random() < 0.5:
        found["graph"] = scipy.sparse.csr_array(found["graph"])
    if rng.random() < 0.3:
        found["num_edges"] = 25
    return found


def held_graph(made, given, rng):
    if given.get("graph") is None:
        shape = (made.num_nodes, made.num_frequencies or made.num_nodes)
        given = {**given, "graph": np.eye(*shape)}
        made.graph = given["graph"]
    matrix = cases.dense(given["graph"])
    found = made(np.ones((1, N)))
    if isinstance(found, dict):
        index, value = (np.asarray(found[part]) for part in ("index", "value"))
        total = np.zeros((N, N))
        np.add.at(total, tuple(index), value)
        pairs = [(total, matrix)]
        if "terms" in found:
            terms = numpy_layers.chebyshev_polynomials(matrix.astype("float64"), made.K)
            for term, row in zip(terms, np.asarray(found["terms"]), strict=True):
                total = np.zeros((N, N))
                np.add.at(total, tuple(index), row)
                pairs.append((total, term))
        return pairs
    return [(np.asarray(found), matrix)]


TARGETS = (
    kept(layers.StandardScaler, valid_scaler, scaled),
    kept(
        layers.SeasonalScaler,
        lambda rng: {
            "num_nodes": rng.choice((1, N)),
            "steps_per_day": rng.choice((4, 24)),
            **valid_scaler(rng),
        },
        seasonal,
    ),
    kept(layers.StaticClusters, clusters, held_clusters),
    kept(layers.StaticGraph, static, held_graph),
    kept(layers.StaticTerms, static_terms, held_graph),
)
