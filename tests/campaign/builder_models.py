"""All models with small sizes, and the functions of trained models."""

import inspect
import json

import keras
import numpy as np
import scipy.sparse

from stgkeras import graphs, models
from tests.campaign import constructed
from tests.campaign.constructed import fault_of_config, fault_of_numbers, fault_of_shape, some

import cases  # isort: skip
import model_cases  # isort: skip

N, B = cases.NODES, 3
RUN = ("x", "graph", "calendar", "past_calendar", "values")


def pick(rng, *values):
    return rng.choice(values)


def operator(rng, gcn=False):
    matrix = graphs.renormalized_adjacency(cases.adjacency()) if gcn else cases.laplacian()
    return scipy.sparse.csr_array(matrix) if rng.random() < 0.4 else matrix


def common(rng, components=False):
    """Arguments that all forecasters have."""
    horizon, features = pick(rng, 1, 2), pick(rng, 1, 2, 3)
    outputs = rng.randint(1, features)
    found = {"horizon": horizon, "num_features": features, "num_outputs": outputs}
    if rng.random() < 0.3:
        found["targets"] = tuple(rng.sample(range(features), outputs))
    scale = pick(rng, "", "normalize", "season", "clock")
    if scale == "normalize":
        found["normalize"] = True
    elif scale:
        found.update({"season": 4, "past_calendar": scale == "clock"})
    length = pick(rng, 5, 6)
    if components and rng.random() < 0.4:
        length = {"recent": 4, pick(rng, "daily", "weekly"): 2 * horizon}
    return {"num_nodes": N, "input_length": length, **found}


def graph_of(rng, given, components=False, gcn=False):
    """A fixed graph, or none and an input for graphs."""
    if isinstance(given["input_length"], dict) or rng.random() < 0.7:
        return {"graph": operator(rng, gcn)}
    return {"dynamic_graph": pick(rng, "sample", "step")}


def stgcn(rng):
    found = common(rng)
    kind = pick(rng, "cheb", "gcn")
    found.update(graph_of(rng, found, gcn=kind == "gcn"), graph_conv=kind)
    small = {"block_filters": ((4, 3, 5),), "output_filters": (6, 7), "kernel_size": 2}
    more = {"K": (1, 2), "gate": ("glu", "gtu"), "dropout": (0.0, 0.3)}
    return {**found, **small, **some(rng, more)}


def astgcn(rng):
    found = common(rng, components=True)
    found.update(graph_of(rng, found))
    return {**found, **blocks(rng), "K": pick(rng, 1, 2)}


def blocks(rng):
    small = {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 3}
    more = {"temporal_score": ("bilinear", "dot"), "spatial_score": ("bilinear", "additive")}
    more |= {"attention": (True, False), "time_stride": (1, 2)}
    found = {**small, **some(rng, more)}
    if found.get("temporal_score") == "dot":
        found["num_heads"] = pick(rng, 1, 2)
    return found


def graph_stid(rng):
    small = {"units": 6, "num_blocks": pick(rng, 1, 2), "node_units": pick(rng, 0, 3)}
    more = {"K": (1, 2), "adaptive_units": (0, 3), "dropout": (0.0, 0.5)}
    return {**common(rng, components=True), "graph": operator(rng), **small, **some(rng, more)}


def links(rng, own):
    found = {"num_nodes": N, "input_length": 6, "num_features": pick(rng, 1, 2), "units": 4, **own}
    found.update(some(rng, {"directed": (True, False), "normalize": (True, False)}))
    if rng.random() < 0.5:
        found.update(decoder="pairwise", num_history=pick(rng, 0, 2), node_units=pick(rng, 0, 2))
    if rng.random() < 0.3:
        found.update(dynamic_graph=False, graph=operator(rng))
    elif rng.random() < 0.3:
        found["dynamic_graph"] = "sample"
    return found


def stgcn_links(rng):
    return links(rng, {"num_blocks": 1, "filters": 3, "kernel_size": pick(rng, 2, 3), "K": 2})


def astgcn_links(rng):
    return links(rng, {**blocks(rng), "K": 2, "node_values": pick(rng, 1, 2)})


def classifier(kind):
    def valid(rng):
        found = {"num_nodes": N, "num_classes": 3, "num_features": pick(rng, 1, 2)}
        found.update(filters=pick(rng, (4,), (3, 2)), dropout=pick(rng, 0.0, 0.5))
        found["classify"] = pick(rng, "signals", "nodes")
        found["units"] = () if found["classify"] == "nodes" else pick(rng, (), (6,))
        found.update(some(rng, {"kernel_regularizer": (None, "l2")}))
        if kind == "spectral":
            found["graph"] = cases.basis()
            found.update(some(rng, {"num_knots": (None, 2, 3)}))
        else:
            found["graph"] = operator(rng, kind == "gcn")
            found.update({"K": pick(rng, 1, 3)} if kind == "cheb" else {})
        if kind != "spectral" and found["classify"] == "signals" and rng.random() < 0.4:
            coarse = graphs.coarsen(cases.adjacency(), levels=len(found["filters"]))
            step = graphs.renormalized_adjacency if kind == "gcn" else graphs.scaled_laplacian
            found.update(
                graph=[step(a) for a in coarse.adjacencies[:-1]],
                clusters=coarse.clusters,
                pooling=pick(rng, "max", "average"),
            )
        if rng.random() < 0.2:
            found["num_entries"] = 4
        return found

    return valid


def use(cls, given, rng):
    """Makes a model, sets its state, and predicts with it and with a copy from its config."""
    model = cls(**given)
    reads_graph = "graph" in inspect.signature(cls).parameters and not model.dynamic_graph
    if reads_graph and given.get("graph") is None:
        frequencies = getattr(model, "num_frequencies", None)
        model.graph = cases.laplacian() if frequencies is None else cases.basis()
    cases.randomize(model, rng.getrandbits(30))
    adapt(model, rng)
    inputs = model_cases.inputs_of(model, rng.getrandbits(30), B)
    if getattr(model, "num_entries", None):
        shape = inputs["index"].shape
        inputs["index"] = np.zeros(shape, "int32")
    found = model.predict_on_batch(inputs)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    )
    again.set_weights(model.get_weights())
    alone = keras.tree.map_structure(lambda array: array[1:2], inputs)
    return model, found, again.predict_on_batch(inputs), model.predict_on_batch(alone)


def adapt(model, rng):
    steps, season = 56, getattr(model, "season", None)
    if season is None and not model.normalize:
        return
    draw = np.random.default_rng(rng.getrandbits(32))
    values = 50 + 10 * draw.standard_normal((steps, model.num_nodes, model.num_features))
    calendar = None
    if season is not None:
        step = np.arange(steps)
        calendar = np.stack([step % season / season, step // season % 7], axis=-1)
    model.adapt(values, calendar)


def check(shape_of):
    def checked(result, given):
        model, found, again, alone = result
        wrong = fault_of_shape(found, shape_of(given))
        wrong = wrong or fault_of_numbers(again, found)
        wrong = wrong or fault_of_numbers(alone, found[1:2], 1e-4)
        if wrong or found.shape[1:] != (N, N) or not hasattr(model, "decoder"):
            return wrong or fault_of_config(model)
        if found.min() < 0 or found.max() > 1:
            return f"probabilities from {found.min()} to {found.max()}"
        if not model.directed and not np.allclose(found, found.swapaxes(1, 2), atol=1e-6):
            return "the probabilities are not symmetric"
        return fault_of_config(model)

    return checked


def forecasts(given):
    return B, given["horizon"], N, given["num_outputs"]


def classes(given):
    nodes = (N,) if given["classify"] == "nodes" else ()
    return B, *nodes, given["num_classes"]


# Functions of trained models.


def iterated(rng):
    return {
        "model": make(models.STGCN, rng),
        "x": np.random.default_rng(rng.getrandbits(32)).standard_normal((B, 5, N, 1)),
        "steps": pick(rng, 1, 3, 5),
    }


def make(cls, rng):
    small = {"graph": cases.laplacian(), "input_length": 5, "horizon": 2}
    if cls is models.STGCN:
        small |= {"block_filters": ((2, 2, 2),), "output_filters": (2, 2), "kernel_size": 2}
    else:
        small |= {"num_blocks": 1, "spatial_filters": 2, "temporal_filters": 2}
    return cls(N, **small)


def use_iterated(function, given, rng):
    found = function(**given)
    window, parts = np.asarray(given["x"]), []
    while sum(part.shape[1] for part in parts) < given["steps"]:
        parts.append(given["model"].predict_on_batch(window))
        window = np.concatenate([window, parts[-1]], axis=1)[:, -5:]
    return found, np.concatenate(parts, axis=1)[:, : given["steps"]]


def attended(rng):
    x = np.random.default_rng(rng.getrandbits(32)).standard_normal((B, 5, N, 1))
    return {"model": make(models.ASTGCN, rng), "inputs": x}


def check_attended(found, given):
    for name, scores in found.items():
        sums = np.asarray(scores).sum(axis=-1)
        if not np.allclose(sums, 1, atol=1e-5):
            return f"rows of {name} do not sum to 1"
    return None


def model(cls, valid, shape_of):
    return constructed.target(cls, valid, use, check(shape_of), RUN)


TARGETS = (
    model(models.STGCN, stgcn, forecasts),
    model(models.ASTGCN, astgcn, forecasts),
    model(models.GraphSTID, graph_stid, forecasts),
    model(models.STGCNLinkPredictor, stgcn_links, lambda given: (B, N, N)),
    model(models.ASTGCNLinkPredictor, astgcn_links, lambda given: (B, N, N)),
    model(models.SpectralCNN, classifier("spectral"), classes),
    model(models.ChebNet, classifier("cheb"), classes),
    model(models.GCN, classifier("gcn"), classes),
    constructed.target(
        models.forecast,
        iterated,
        use_iterated,
        lambda result, given: fault_of_numbers(*result),
    ),
    constructed.target(
        models.attention_scores,
        attended,
        lambda function, given, rng: function(**given),
        check_attended,
    ),
)
