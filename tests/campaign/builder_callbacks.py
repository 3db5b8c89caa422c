"""Callbacks, and search spaces of keras-tuner."""

import math

import keras
import keras_tuner
import numpy as np
from sklearn import metrics as sklearn_metrics

from stgkeras import callbacks, tuning
from tests.campaign.builder_scores import graphs, pairs_of, target
from tests.campaign.constructed import fault_of_config, fault_of_numbers, some


def small(rng):
    model = keras.Sequential([keras.Input((5, 5)), keras.layers.Activation("sigmoid")])
    model.compile("sgd", "mse")
    return model


def restarts(cls, given, rng):
    made = cls(**given)
    made.params = {"steps": 4}
    wanted = {"T_0": 5, "T_mult": 2, "min_lr": 0.0, **given}
    if given.get("base_lr") is None:
        return None
    for time in (0, 0.25, 1, 3.5, 20):
        start, period = 0, wanted["T_0"]
        while time >= start + period:
            start, period = start + period, period * wanted["T_mult"]
        low, high = wanted["min_lr"], wanted["base_lr"]
        expected = low + (high - low) * (1 + math.cos(math.pi * (time - start) / period)) / 2
        if abs(made.rate(time) - expected) > 1e-9:
            return f"rate({time})={made.rate(time)} instead of {expected}"
    return None


def board(cls, given, rng):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    made = cls(**given)
    x = np.ones((4, 2), "float32")
    model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[made])
    files = list(made.log_dir.rglob("events.out.*"))
    return None if files else "no log"


def link_data(rng):
    directed = rng.choice((None, True, False))
    truth, probability = graphs(rng, bool(directed))
    logits = np.log(probability / (1 - probability))
    found = {"data": [(logits, truth)], "directed": directed}
    return {**found, **some(rng, {"k": (None, 1, 3), "prefix": ("val_", "test ", "")})}


def norm(cls, given, rng):
    made = cls(**given)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[1.0]])])
    model.compile(made, "mse")
    model.fit(np.ones((4, 1)), np.zeros((4, 1)), verbose=0)
    return fault_of_numbers(made.mean_norm(), 2.0) or fault_of_config(made)


def link_callback(cls, given, rng):
    model, made = small(rng), cls(**given)
    made.set_model(model)
    made.on_train_begin()
    logs = {}
    made.on_epoch_end(0, logs)
    logits, truth = (np.asarray(part) for part in given["data"][0])
    probability = 1 / (1 + np.exp(-logits.astype("float64")))
    y, p = (pairs_of(array, bool(given.get("directed"))) for array in (truth, probability))
    prefix = given.get("prefix", "val_")
    return fault_of_numbers(logs[f"{prefix}auc"], sklearn_metrics.roc_auc_score(y, p))


# Search spaces

ADJACENCY = 1 - np.eye(4)


def windows(**sizes):
    return None, None


def space(cls, given, rng):
    made = cls(**given)
    model = made.build(keras_tuner.HyperParameters())
    nodes = len(given["adjacency"]) if given.get("adjacency") is not None else 30
    return None if model.num_nodes == nodes else f"{model.num_nodes} nodes"


def forecaster_space(rng):
    found = {"windows": windows, "adjacency": ADJACENCY, "input_length": 6, "horizon": 2}
    return {**found, **some(rng, {"values": (None,), "log_dir": (None, "logs")})}


TARGETS = (
    target(
        callbacks.WarmRestarts,
        lambda rng: {
            "base_lr": rng.choice((0.1, 1e-3, 1)),
            **some(
                rng,
                {
                    "T_0": (1, 3, 5),
                    "T_mult": (1, 2),
                    "min_lr": (0.0, 1e-4),
                    "update": ("epoch", "batch"),
                },
            ),
        },
        restarts,
    ),
    target(
        callbacks.TensorBoard,
        lambda rng: {
            "log_dir": "logs",
            **some(
                rng,
                {
                    "every": (1, 5),
                    "hparams": (None, {"a": 1, "b": "x"}),
                    "images": (None, lambda model: {}),
                },
            ),
        },
        board,
        writes=True,
    ),
    target(
        callbacks.GradientNorm, lambda rng: {"inner_optimizer": keras.optimizers.SGD(0.1)}, norm
    ),
    target(
        callbacks.LinkScores,
        link_data,
        link_callback,
    ),
    target(
        callbacks.Checkpoint,
        lambda rng: {"path": rng.choice(("a.keras", "b/c.keras"))},
        lambda cls, given, rng: None if cls(**given).path.suffix == ".keras" else "suffix",
    ),
    target(tuning.STGCNHyperModel, forecaster_space, space),
    target(tuning.ASTGCNHyperModel, forecaster_space, space),
    target(
        tuning.LinkPredictorHyperModel,
        lambda rng: {
            "windows": windows,
            **some(rng, {"model": ("STGCN", "ASTGCN"), "units": (16,)}),
        },
        space,
    ),
)
