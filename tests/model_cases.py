"""Models as data: what each is built with, and the shape it gives."""

import functools

import keras
import numpy as np
import scipy.sparse
from cases import NODES, adjacency, basis, laplacian, places, randomize
from keras import ops

from stgkeras import graphs, models

N, B = NODES, 3
PARTS = {"weekly": 4, "recent": 6}
DAYS = {"recent": 6, "daily": 2}
NARROW = {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 6}
LINKS = {"num_nodes": N, "input_length": 6, "num_features": 2, "units": 8}


def stgcn(*shape, **kwargs):
    small = {"block_filters": ((4, 3, 5),), "output_filters": (6, 7), "dropout": 0.1}
    return models.STGCN, {"num_nodes": N, "input_length": 6, "horizon": 1, **small, **kwargs}, shape


def astgcn(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, **NARROW}
    return models.ASTGCN, {**small, **kwargs}, shape


def graph_stid(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, "units": 6, "num_blocks": 2}
    return models.GraphSTID, {**small, "node_units": 3, "adaptive_units": 3, **kwargs}, shape


def stid(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, "steps_per_day": 4, "units": 6}
    small |= {"num_blocks": 2, "node_units": 3, "day_units": 2, "week_units": 2}
    return models.STID, {**small, **kwargs}, shape


def staeformer(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, "steps_per_day": 4, "input_units": 2}
    small |= {"day_units": 2, "week_units": 2, "adaptive_units": 4, "feed_forward_units": 5}
    return models.STAEformer, {**small, "num_blocks": 1, "num_heads": 2, **kwargs}, shape


def patchstg(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, "steps_per_day": 4, "input_units": 3}
    small |= {"day_units": 2, "week_units": 2, "node_units": 2, "num_blocks": 1, "places": places}
    return models.PatchSTG, {**small, **kwargs}, shape


def graph_wavenet(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, "num_layers": 2, "num_blocks": 1}
    small |= {"residual_filters": 3, "dilation_filters": 4, "skip_filters": 5, "end_filters": 6}
    return models.GraphWaveNet, {**small, "adaptive_units": 3, **kwargs}, shape


def fast(*shape, **kwargs):
    small = {"num_nodes": N, "input_length": 6, "horizon": 2, "steps_per_day": 4, "units": 4}
    return (
        models.FaST,
        {**small, "num_blocks": 2, "num_experts": 3, "num_agents": 2} | kwargs,
        shape,
    )


def stgcn_links(**kwargs):
    return models.STGCNLinkPredictor, {**LINKS, "num_blocks": 1, "filters": 4, **kwargs}, (N, N)


def astgcn_links(**kwargs):
    return models.ASTGCNLinkPredictor, {**LINKS, **NARROW, **kwargs}, (N, N)


def sparse():
    return scipy.sparse.csr_array(laplacian())


def walks():
    """Random walks both ways on a directed graph."""
    roads = np.tril(adjacency()) + np.triu(adjacency()) / 3
    return [graphs.random_walk(one) for one in (roads, roads.T)]


def sparse_walks():
    return [scipy.sparse.csr_array(one) for one in walks()]


def renormalized():
    return graphs.renormalized_adjacency(adjacency())


def signals(cls, *shape, **kwargs):
    """A classifier of small size."""
    small = {"num_nodes": N, "num_classes": 3, "num_features": 2, "filters": (4,), "units": (6,)}
    return cls, {**small, **kwargs}, shape or (3,)


def nodes(cls, **kwargs):
    return signals(cls, N, 3, classify="nodes", units=(), **kwargs)


# name: class, arguments with functions for graphs, and the shape of the output after the batch
TWO = {"num_features": 2, "num_outputs": 2}
CASES = {
    "stgcn": stgcn(2, N, 1, graph=laplacian, horizon=2),
    "stgcn-gcn-gtu": stgcn(1, N, 2, graph=renormalized, graph_conv="gcn", gate="gtu", **TWO),
    "stgcn-sparse": stgcn(1, N, 1, graph=sparse, num_edges=20),
    "stgcn-sample": stgcn(1, N, 1, dynamic_graph="sample", graph_conv="gcn"),
    "stgcn-step": stgcn(1, N, 1, dynamic_graph="step", kernel_size=2, K=2),
    "stgcn-normalize": stgcn(1, N, 1, graph=laplacian, normalize=True, num_features=2),
    "stgcn-season": stgcn(2, N, 1, graph=laplacian, horizon=2, season=4),
    "stgcn-past-calendar": stgcn(1, N, 1, graph=laplacian, season=4, past_calendar=True),
    "astgcn": astgcn(2, N, 2, graph=laplacian, **TWO),
    "astgcn-dot-additive": astgcn(
        2, N, 1, graph=sparse, temporal_score="dot", num_heads=2, spatial_score="additive"
    ),
    "astgcn-components": astgcn(2, N, 1, graph=laplacian, input_length=PARTS),
    "astgcn-daily": astgcn(2, N, 1, graph=laplacian, input_length={"daily": 5}, normalize=True),
    "astgcn-season": astgcn(2, N, 1, graph=laplacian, input_length=DAYS, season=4),
    "astgcn-sample-additive": astgcn(2, N, 1, dynamic_graph="sample", spatial_score="additive"),
    "astgcn-step-stride": astgcn(2, N, 1, dynamic_graph="step", time_stride=2, num_blocks=2),
    "mstgcn": astgcn(2, N, 1, graph=laplacian, attention=False, time_stride=3),
    "fast": fast(2, N, 2, **TWO),
    "fast-season": fast(2, N, 1, input_length=DAYS, season=4, num_experts=1),
    "graph-stid": graph_stid(2, N, 2, graph=laplacian, **TWO),
    "graph-stid-sparse": graph_stid(2, N, 1, graph=sparse, adaptive_units=0, normalize=True),
    "graph-stid-season": graph_stid(2, N, 1, graph=laplacian, input_length=DAYS, season=4),
    "graph-wavenet": graph_wavenet(2, N, 2, graph=walks, input_length=3, **TWO),
    "graph-wavenet-sparse": graph_wavenet(
        2, N, 1, graph=sparse_walks, num_edges=10, adaptive_units=0, normalize=True
    ),
    "graph-wavenet-season": graph_wavenet(2, N, 1, graph=walks, season=4, kernel_size=3),
    "graph-wavenet-no-graph": graph_wavenet(2, N, 1, num_graphs=0, adaptive_units=0, num_layers=3),
    "staeformer": staeformer(2, N, 2, **TWO),
    "staeformer-season": staeformer(2, N, 1, season=4, node_units=2, mixed_output=False),
    "patchstg": patchstg(2, N, 2, **TWO),
    "patchstg-season": patchstg(2, N, 1, season=4, num_patches=2, depth=2, leaf_size=3),
    "stid": stid(2, N, 2, **TWO),
    "stid-season": stid(2, N, 1, input_length=DAYS, season=4, calendar_features=False),
    "stid-node": stid(2, N, 1, normalize=True, day_units=0, week_units=0),
    "stgcn-links": stgcn_links(),
    "stgcn-links-directed": stgcn_links(
        directed=True, dynamic_graph=False, graph=laplacian, normalize=True
    ),
    "astgcn-links": astgcn_links(),
    "astgcn-links-directed": astgcn_links(directed=True, dynamic_graph="sample"),
    "stgcn-links-pairwise": stgcn_links(decoder="pairwise", num_history=3, node_units=2),
    "astgcn-links-pairwise": astgcn_links(decoder="pairwise", directed=True, node_values=2),
    "stgcn-links-pairwise-fixed": stgcn_links(
        decoder="pairwise", dynamic_graph=False, graph=laplacian
    ),
    "scnn": signals(models.SpectralCNN, graph=basis, num_frequencies=4),
    "smooth-scnn": signals(models.SpectralCNN, graph=basis, num_frequencies=4, num_knots=3),
    "scnn-nodes": nodes(models.SpectralCNN, graph=basis, num_frequencies=4),
    "chebnet": signals(models.ChebNet, graph=laplacian, K=3, filters=(4, 5)),
    "chebnet-nodes": nodes(models.ChebNet, graph=sparse, K=3),
    "gcn": nodes(models.GCN, graph=renormalized),
    "gcn-signals": signals(models.GCN, graph=renormalized, classify="signals"),
}
# One of each class, of each form of its graph, and of each further input.
FEW = (
    *("stgcn", "stgcn-sparse", "stgcn-step", "stgcn-normalize", "stgcn-season"),
    *("astgcn", "astgcn-dot-additive", "astgcn-components", "astgcn-sample-additive"),
    *(
        "graph-stid",
        "graph-wavenet",
        "graph-wavenet-sparse",
        "stgcn-links",
        "astgcn-links-pairwise",
        "smooth-scnn",
        "chebnet-nodes",
        "gcn",
    ),
)
STATIC = [name for name, (_, arguments, _) in CASES.items() if "graph" in arguments]


def make(name, **kwargs):
    """A new model with random weights."""
    cls, arguments, _ = CASES[name]
    arguments = {key: v() if callable(v) else v for key, v in arguments.items()}
    model = cls(**arguments, **kwargs)
    randomize(model)
    return model


model_of = functools.cache(make)  # for the tests that leave it as it is


def inputs_of(model, seed=0, batch=B):
    """Random signals, and for a graph input random adjacencies."""
    rng = np.random.default_rng(seed)

    def draw(symbol):
        array = rng.standard_normal((batch, *symbol.shape[1:])).astype("float32")
        return np.maximum(array, 0.0) if symbol.name.startswith("graph") else array

    return keras.tree.map_structure(draw, model.input)


def copy_weights(source, target):
    """Copies all trainable weights; the graph, and a scaler, stay as they are."""
    for ours, theirs in zip(target.trainable_variables, source.trainable_variables, strict=True):
        ours.assign(ops.convert_to_numpy(theirs.value))
    return target
