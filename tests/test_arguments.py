"""An argument of a wrong type is refused by its name, in all parts that need Keras."""

import functools

import numpy as np
import pytest
from cases import NODES, clusters, laplacian

from stgkeras import callbacks, datasets, layers, losses, metrics, models

WRONG = (None, "x", b"x", 1.5, -1, 10**30, True, [], [1, "x"], {}, object(), np.zeros((2, 2)))
RAGGED = [[1.0], [2.0, 3.0]]
STGCN = functools.partial(models.STGCN, NODES, input_length=9)
ASTGCN = functools.partial(models.ASTGCN, NODES)
GCN = functools.partial(models.GCN, NODES, num_classes=2)
SIGNALS = functools.partial(models.ChebNet, NODES, num_classes=2)
LINKS = functools.partial(models.STGCNLinkPredictor, NODES)
GRAPH = functools.partial(layers.StaticGraph, NODES)
TERMS = functools.partial(layers.StaticTerms, NODES, 2)
TRUTH = {"truth": np.ones((1, 4, 4)), "probability": np.ones((1, 4, 4))}
STEPS = {"values": np.ones((20, 1, 1)), "starts": [9], "input_length": 3, "horizon": 2}
CALENDAR = np.stack([np.arange(20) % 4 / 4, np.arange(20) // 4 % 7], axis=-1)
DAYS = {**STEPS, "calendar": CALENDAR, "steps_per_day": 4, "num_train": 9}
SPLIT = {"num_steps": 40, "input_length": 3, "horizon": 2}
WINDOWS = {"inputs": np.ones(9), "targets": np.ones(9), "starts": [0], "input_length": 3}
WINDOWS = functools.partial(datasets.Windows, **WINDOWS, horizon=2)


def without(*valid):
    return [value for value in WRONG if repr(value) not in map(repr, valid)]


CASES = [
    (layers.GraphConv, "filters", WRONG),
    (layers.GraphPooling, "pooling", WRONG),
    (layers.ScaledLaplacian, "lambda_max", [*without(1.5, 10**30), np.inf]),
    (layers.CenteredLayerNormalization, "axis", without(-1)),
    (layers.CenteredLayerNormalization, "epsilon", [*without(1.5, 10**30), np.nan]),
    (layers.StandardScaler, "num_features", WRONG),
    (functools.partial(layers.StandardScaler, 2), "targets", [*without(None), [0, 0], {0, 1}]),
    (functools.partial(layers.GraphConv, 2), "use_bias", without(True)),
    (functools.partial(layers.GraphConv, 2), "activation", ["x", 5, {"a": 1}, object()]),
    (functools.partial(layers.GraphConv, 2), "kernel_initializer", ["x", 5, {"a": 1}, object()]),
    (functools.partial(layers.GraphConv, 2), "kernel_regularizer", ["x", 5, {"a": 1}, object()]),
    (GRAPH, "graph", [*without(None), RAGGED]),
    (TERMS, "graph", [*without(), RAGGED]),
    (functools.partial(layers.StaticClusters, 2, 3), "clusters", [*without(None), RAGGED]),
    (STGCN, "block_filters", [*without([]), [(4, 4)], [(4, "x", 4)]]),
    (STGCN, "gate", WRONG),
    (STGCN, "dynamic_graph", WRONG),
    (STGCN, "normalize", without(True)),
    (STGCN, "dtype", ["x", 10**30, {"a": 1}]),
    (ASTGCN, "attention", without(True)),
    (functools.partial(ASTGCN, input_length={"daily": 12}), "dynamic_graph", WRONG),
    (LINKS, "directed", without(True)),
    (GCN, "filters", [*without(), "12"]),
    (GCN, "clusters", [*without(None), RAGGED, 1j]),
    (SIGNALS, "cluster_shapes", [*without(None, []), [None], [(2, "x")]]),
    (models.STGCN.from_preset, "preset", [*without("x"), "x"]),
    (losses.FocalLoss, "from_logits", without(True)),
    (losses.FocalLoss, "pairs", without(None)),
    (losses.FocalLoss, "alpha", without(1.5, 10**30)),
    (losses.MaskedHuber, "reduction", without(None)),
    (losses.MaskedHuber, "null_value", without(None, 1.5, -1, 10**30)),
    (metrics.LinkF1, "directed", without(True)),
    (metrics.LinkF1, "threshold", without(1.5, -1, 10**30)),
    (metrics.MaskedMeanAbsoluteError, "step", without(None, 10**30)),
    (functools.partial(metrics.recall_at_k, **TRUTH, directed=True), "k", WRONG),
    (functools.partial(metrics.reliability, **TRUTH, directed=True), "bins", WRONG),
    (functools.partial(metrics.link_scores, TRUTH["truth"]), "probability", [*without(), RAGGED]),
    (functools.partial(metrics.link_scores, **TRUTH), "directed", without(True)),
    (functools.partial(metrics.forecast_errors, *np.ones((2, 1, 2, 3, 1))), "steps", without({})),
    (callbacks.WarmRestarts, "T_0", without(10**30)),
    (callbacks.WarmRestarts, "base_lr", without(None, 1.5, 10**30)),
    (callbacks.TensorBoard, "log_dir", without("x")),
    (functools.partial(callbacks.TensorBoard, "x"), "hparams", without(None, {})),
    (callbacks.LinkScores, "data", without([1, "x"], np.zeros((2, 2)))),
    (functools.partial(callbacks.LinkScores, [(1, 1)]), "k", without(None)),
    (functools.partial(datasets.split_windows, **SPLIT), "num_steps", WRONG),
    (functools.partial(datasets.split_windows, **SPLIT), "val", without()),
    (functools.partial(datasets.split_windows, **SPLIT), "complete", [*without(None), RAGGED]),
    (functools.partial(datasets.training_steps, input_length=3, horizon=2), "split", WRONG),
    (functools.partial(datasets.last_value, **STEPS), "values", [*without(), RAGGED]),
    (functools.partial(datasets.last_value, **STEPS), "starts", [*without(), [-1], [16]]),
    (functools.partial(datasets.same_time, **STEPS), "lag", WRONG),
    (functools.partial(datasets.historical_mean, **DAYS), "calendar", [*without(), CALENDAR + 7]),
    (functools.partial(datasets.historical_mean, **DAYS), "num_train", [*WRONG, 21]),
    (functools.partial(datasets.calendar, np.zeros(2, "M8[s]")), "timezone", without(None)),
    (functools.partial(datasets.calendar, np.zeros(2, "M8[s]")), "holidays", [1.5, -1, object()]),
    (WINDOWS, "batch_size", WRONG),
    (WINDOWS, "shuffle", without(True)),
    (WINDOWS, "missing", without(True)),
    (WINDOWS, "calendar", [*without(None), np.ones((9, 3)), np.full((9, 2), 7.0)]),
]


@pytest.mark.parametrize(("call", "name", "values"), CASES)
def test_a_wrong_type_is_refused_by_name(call, name, values):
    for value in values:
        try:
            call(**{name: value})
        except (TypeError, ValueError) as error:
            assert f"`{name}" in str(error), f"{value!r}: {error}"
        else:
            raise AssertionError(f"`{name}` accepts {value!r}")


def test_what_has_another_type_but_the_same_meaning_is_taken():
    assert layers.GraphConv(np.int64(2)).filters == 2
    assert layers.StandardScaler(2, np.array([1, 0])).targets == (1, 0)
    assert metrics.LinkF1(np.float32(0.5), np.True_).directed is True
    assert GRAPH(graph=laplacian().tolist()).graph.shape == (NODES, NODES)
    assert layers.StaticClusters(2, 3, tuple(clusters())).clusters.shape == (2, 3)
