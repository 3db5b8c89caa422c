"""Losses and metrics, with NumPy and scikit-learn as the oracles."""

import math

import numpy as np
from sklearn import metrics as sklearn_metrics

from stgkeras import losses, metrics
from tests.campaign import constructed
from tests.campaign.constructed import fault_of_config, fault_of_numbers, some

RUN = ("y_true", "y_pred", "truth", "probability", "data", "figures")


def draws(rng):
    return np.random.default_rng(rng.getrandbits(32))


def mask_of(truth, null_value):
    mask = ~np.isnan(truth)
    return mask if null_value is None else mask & (truth != null_value)


def readings(rng):
    draw = draws(rng)
    truth = draw.integers(0, 4, (3, 2, 4, 1)).astype("float32")
    truth[draw.random(truth.shape) < 0.2] = np.nan
    return truth, draw.standard_normal(truth.shape).astype("float32")


def graphs(rng, directed):
    draw = draws(rng)
    truth = (draw.random((3, 5, 5)) < 0.4).astype("float32")
    truth[:, 0, 1], truth[:, 0, 2] = 1, 0
    if not directed:
        truth = np.triu(truth, 1)
        truth = truth + truth.swapaxes(1, 2)
    return truth, draw.uniform(0.05, 0.95, truth.shape).astype("float32")


def pairs_of(array, directed):
    where = ~np.eye(array.shape[-1], dtype=bool)
    return array[:, where if directed else np.triu(where)].ravel().astype("float64")


def scored(made, value, expected, tolerance=1e-5):
    return fault_of_numbers(value, expected, tolerance) or fault_of_config(made)


def target(function, valid, use, extra=RUN, fixed=("name", "dtype"), **more):
    """A target of which `use` returns what is wrong."""
    return constructed.target(function, valid, use, lambda found, _: found, extra, fixed, **more)


def masked_loss(kind):
    def use(cls, given, rng):
        truth, forecast = readings(rng)
        made = cls(**given)
        mask = mask_of(truth, given.get("null_value"))
        error = np.where(mask, forecast - np.where(mask, truth, 0), 0).astype("float64")
        delta = given.get("delta", 1.0)
        entries = {
            "mae": np.abs(error),
            "mse": error**2,
            "huber": np.where(
                np.abs(error) <= delta, error**2 / 2, delta * (np.abs(error) - delta / 2)
            ),
        }[kind]
        return scored(made, made(truth, forecast), reduced(entries, mask.sum(), given), 1e-4)

    return use


def reduced(entries, count, given):
    reduction = given.get("reduction", "sum_over_batch_size")
    if reduction in (None, "none"):
        return entries
    return entries.sum() / (1 if reduction == "sum" else max(count, 1))


REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", None)
NULL = {"null_value": (None, 0.0, 2, 3.0), "reduction": REDUCTIONS}


def focal(cls, given, rng):
    pairs = given.get("pairs")
    truth, forecast = graphs(rng, directed=True)
    made = cls(**given)
    if given.get("from_logits"):
        forecast = np.log(forecast / (1 - forecast))
    y, p = truth.astype("float64"), forecast.astype("float64")
    p = 1 / (1 + np.exp(-p)) if given.get("from_logits") else p
    right = np.where(y == 1, p, 1 - p)
    usual = {"alpha": 0.25, "gamma": 2.0, "positive_weight": 1.0}
    alpha, gamma, weight = (float(given.get(name, usual[name])) for name in usual)
    entries = alpha * (1 - right) ** gamma * -np.log(right)
    entries = entries * np.where(y == 1, weight, 1)
    counted = np.ones_like(entries)
    if pairs is not None:
        counted = np.broadcast_to(~np.eye(5, dtype=bool), y.shape)
        counted = np.triu(counted) if pairs == "undirected" else counted
    found = made(truth, forecast)
    return scored(made, found, reduced(entries * counted, counted.sum(), given), 1e-4)


FOCAL = {
    "alpha": (0.25, 1.0, 2),
    "gamma": (0.0, 2.0, 1),
    "from_logits": (True, False),
    "positive_weight": (1.0, 3.5),
    "pairs": (None, "directed", "undirected"),
    "reduction": REDUCTIONS,
}


def balanced(function, given, rng):
    found = function(**given)
    others, links, beta = (given.get(n, 1) for n in ("num_others", "num_links", "beta"))
    if max(others, links) > 10**4:
        return None
    expected = others / links
    if beta != 1:
        powers = [math.fsum(beta**i for i in range(int(n))) for n in (others, links)]
        expected = powers[0] / powers[1]
    return fault_of_numbers(found, expected) if max(others, links) < 10**4 else None


def masked_metric(kind):
    def use(cls, given, rng):
        made, batches = cls(**given), [readings(rng) for _ in range(2)]
        for truth, forecast in batches:
            made.update_state(truth, forecast)
        parts = zip(*batches, strict=True)
        truth, forecast = (np.concatenate(part).astype("float64") for part in parts)
        mask = mask_of(truth, given.get("null_value"))
        mask = mask & (truth != 0) if kind == "mape" else mask
        if given.get("step") is not None:
            part = np.s_[:, given["step"] - 1]
            truth, forecast, mask = truth[part], forecast[part], mask[part]
        error = np.abs(forecast - truth)[mask]
        expected = {
            "mae": lambda: error.mean(),
            "rmse": lambda: np.sqrt((error**2).mean()),
            "mape": lambda: (100 * error / np.abs(truth[mask])).mean(),
        }[kind]()
        return scored(made, made.result(), expected, 1e-4)

    return use


def link_metric(kind):
    def use(cls, given, rng):
        directed = given.get("directed", False)
        made, (truth, probability) = cls(**given), graphs(rng, directed)
        made.update_state(truth[:1], probability[:1])
        made.update_state(truth[1:], probability[1:])
        y, p = (pairs_of(array, directed) for array in (truth, probability))
        if kind == "f1":
            called = p >= np.float32(given.get("threshold", 0.5))
            expected = sklearn_metrics.f1_score(y, called, zero_division=0.0)
        else:
            score = {
                "brier": lambda: ((p - y) ** 2).mean(),
                "auc": lambda: sklearn_metrics.roc_auc_score(y, p),
                "precision": lambda: sklearn_metrics.average_precision_score(y, p),
            }
            expected = score[kind]()
        room = 1e-5 + (float(made.bound()) if hasattr(made, "bound") else 0)
        if abs(float(made.result()) - expected) > room:
            return f"{float(made.result())} instead of {expected}"
        return fault_of_config(made)

    return use


def link_arguments(rng, **more):
    directed = rng.choice((True, False))
    truth, probability = graphs(rng, directed)
    return {"truth": truth, "probability": probability, "directed": directed, **more}


def scores(function, given, rng):
    found = function(**given)
    directed = given["directed"]
    y, p = (pairs_of(np.asarray(given[name]), directed) for name in ("truth", "probability"))
    expected = {
        "AUC": sklearn_metrics.roc_auc_score(y, p),
        "AP": sklearn_metrics.average_precision_score(y, p),
        "log-loss": -np.mean(np.log(np.where(y == 1, p, 1 - p))),
        "Brier": np.mean((y - p) ** 2),
    }
    return fault_of_numbers([found[name] for name in expected], list(expected.values()))


def recall(function, given, rng):
    found, hits, links = function(**given), 0, 0
    for y, p in zip(given["truth"], given["probability"], strict=True):
        y, p = (pairs_of(np.asarray(array)[None], given["directed"]) for array in (y, p))
        hits += y[np.argsort(-p)[: given["k"]]].sum()
        links += y.sum()
    return fault_of_numbers(found, hits / links)


def threshold(function, given, rng):
    found = function(**given)
    directed = given["directed"]
    y, p = (pairs_of(np.asarray(given[name]), directed) for name in ("truth", "probability"))
    best, ours = (max(sklearn_metrics.f1_score(y, p >= v) for v in part) for part in (p, [found]))
    return None if abs(ours - best) < 1e-9 else f"F1 {ours} at {found}, best {best}"


def curve(function, given, rng):
    mean, share = function(**given)
    directed = given["directed"]
    y, p = (pairs_of(np.asarray(given[name]), directed) for name in ("truth", "probability"))
    if len(mean) > given.get("bins", 10) or (np.diff(mean) <= 0).any():
        return f"bins {mean}"
    return fault_of_numbers(share, np.array([y.mean()])) if len(mean) == 1 else None


def errors(function, given, rng):
    found = function(**given)
    truth, forecast = np.asarray(given["truth"], float), np.asarray(given["forecast"], float)
    mask = mask_of(truth, given.get("null_value"))
    for label, step in [*given["steps"].items(), ("mean", None)]:
        part = np.s_[:] if step is None else np.s_[:, step - 1]
        error = (forecast - truth)[part][mask[part]]
        wrong = fault_of_numbers(
            [found[f"MAE {label}"], found[f"RMSE {label}"]],
            [np.abs(error).mean(), np.sqrt((error**2).mean())],
        )
        if wrong:
            return wrong
    return None


def forecast_arguments(rng):
    truth, forecast = readings(rng)
    found = {"truth": truth, "forecast": forecast, "steps": {"first": 1, "last": 2}}
    return {**found, **some(rng, {"null_value": (None, 0), "percentage": (True, False)})}


TARGETS = (
    target(losses.FocalLoss, lambda rng: some(rng, FOCAL), focal),
    target(
        losses.MaskedMeanAbsoluteError,
        lambda rng: some(rng, NULL),
        masked_loss("mae"),
        name="MaskedMeanAbsoluteErrorLoss",
    ),
    target(losses.MaskedMeanSquaredError, lambda rng: some(rng, NULL), masked_loss("mse")),
    target(
        losses.MaskedHuber,
        lambda rng: some(rng, {"delta": (0.5, 2, 1.0), **NULL}),
        masked_loss("huber"),
    ),
    target(
        losses.balanced_weight,
        lambda rng: {
            "num_links": rng.randint(1, 30),
            "num_others": rng.randint(1, 90),
            **some(rng, {"beta": (0, 0.5, 0.99, 1.0)}),
        },
        balanced,
    ),
    *(
        target(
            cls,
            lambda rng: some(rng, {"step": (None, 1, 2), "null_value": (None, 0.0, 2)}),
            masked_metric(kind),
        )
        for cls, kind in (
            (metrics.MaskedMeanAbsoluteError, "mae"),
            (metrics.MaskedRootMeanSquaredError, "rmse"),
            (metrics.MaskedMeanAbsolutePercentageError, "mape"),
        )
    ),
    target(
        metrics.LinkF1,
        lambda rng: some(rng, {"threshold": (0.5, 0.2, 1, 0), "directed": (True, False)}),
        link_metric("f1"),
    ),
    *(
        target(cls, lambda rng: some(rng, {"directed": (True, False)}), link_metric(kind))
        for cls, kind in (
            (metrics.LinkBrier, "brier"),
            (metrics.LinkAUC, "auc"),
            (metrics.LinkAveragePrecision, "precision"),
        )
    ),
    target(metrics.link_scores, link_arguments, scores),
    target(metrics.recall_at_k, lambda rng: link_arguments(rng, k=rng.randint(1, 8)), recall),
    target(metrics.best_threshold, link_arguments, threshold),
    target(metrics.reliability, lambda rng: link_arguments(rng, bins=rng.choice((1, 2, 5))), curve),
    target(metrics.forecast_errors, forecast_arguments, errors),
)
