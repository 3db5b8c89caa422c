"""Scores of predicted links, computed exactly over whole test sets."""

from __future__ import annotations

import numpy as np

from stgkeras import arguments
from stgkeras.missing import asymmetric_entry
from stgkeras.types import Array

NO_LINKS = (
    "`truth` must hold links. Received: truth with 0 links. Pass graphs with at least one link."
)


def link_scores(truth: Array, probability: Array, directed: bool = False) -> dict[str, float]:
    """Computes AUC, average precision, log loss and Brier score over all pairs of all graphs.

    Args:
        truth: (graphs, nodes, nodes) numbers. 1 for a link, 0 for no link.
        probability: array of the shape of `truth`. Probabilities of links, in [0, 1].
        directed: bool. Whether to include all pairs n ≠ m, or only n < m. Self loops are never
            included. With False, `truth` must be symmetric. Default False.

    Returns:
        dict with "AUC", the area under the ROC curve; "AP", the average precision; "log-loss",
        with the natural logarithm and probabilities clipped to [1e-7, 1 - 1e-7]; and "Brier", the
        mean squared error.

    Raises:
        ValueError: if the shapes differ, `truth` has no links or only links or is not symmetric
            while `directed` is False, or an included pair is NaN or infinite.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
        >>> stgkeras.metrics.link_scores(truth, 0.8 * truth + 0.1)["AUC"]
        1.0
    """
    from sklearn import metrics

    y, p = (pairs.ravel() for pairs in _checked_pairs(truth, probability, directed))
    if y.all() or not y.any():
        raise ValueError(
            "`truth` must hold links and pairs without a link. Received: truth with "
            f"{np.count_nonzero(y)} links in {y.size} pairs. Pass more graphs at once."
        )
    return {
        "AUC": float(metrics.roc_auc_score(y, p)),
        "AP": float(metrics.average_precision_score(y, p)),
        "log-loss": float(metrics.log_loss(y, np.clip(p, 1e-7, 1 - 1e-7))),
        "Brier": float(np.mean((p - y) ** 2)),
    }


def recall_at_k(truth: Array, probability: Array, k: int, directed: bool = False) -> float:
    """Computes recall@k: the fraction of all true links that the k most probable pairs contain.

    Args:
        truth, probability, directed: as in `link_scores`.
        k: int ≥ 1. Number of predicted pairs in each graph: the k pairs with the largest
            probabilities. If several pairs have the k-th largest probability, the function uses
            the expected value for a random choice among them.

    Returns:
        float in [0, 1]: found links divided by true links, both summed over all graphs. NaN if an
        included pair is NaN in `truth` or `probability`.

    Raises:
        ValueError: if the shapes differ, there are no links, or `k` is not from 1 to the number
            of pairs.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 1], [1, 0, 0], [1, 0, 0]]])
        >>> probability = np.array([[[0, 0.9, 0.2], [0.9, 0, 0.5], [0.2, 0.5, 0]]])
        >>> stgkeras.metrics.recall_at_k(truth, probability, k=2)
        0.5
    """
    y, p = _pairs(truth, probability, directed)
    known, y = not np.isnan([y, p]).any(), y > 0
    if known and not y.any():
        raise ValueError(NO_LINKS)
    k = arguments.integer("k", k)
    if k > y.shape[1]:
        raise ValueError(
            f"`k` must be an integer from 1 to the number of pairs, {y.shape[1]}. Received: k={k}"
        )
    if not known:
        return float("nan")
    last = -np.partition(-p, k - 1, axis=1)[:, k - 1 : k]  # (graphs, 1)
    above, level = p > last, p == last
    room = (k - above.sum(axis=1)) / level.sum(axis=1)
    found = (y & above).sum(axis=1) + room * (y & level).sum(axis=1)
    return float(found.sum() / y.sum())


def best_threshold(truth: Array, probability: Array, directed: bool = False) -> float:
    """Computes the probability threshold for links that gives the largest F1 score.

    Compute the threshold from validation graphs, and use it for test graphs.

    Args:
        truth, probability, directed: as in `link_scores`.

    Returns:
        float. A pair with at least this probability is a predicted link.

    Raises:
        ValueError: if the shapes differ, there are no links, or an included pair is NaN or
            infinite.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
        >>> stgkeras.metrics.best_threshold(truth, 0.5 * truth + 0.25)
        0.75
    """
    from sklearn import metrics

    y, p = (pairs.ravel() for pairs in _checked_pairs(truth, probability, directed))
    if not y.any():
        raise ValueError(NO_LINKS)
    precision, recall, thresholds = metrics.precision_recall_curve(y, p)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    return float(thresholds[np.argmax(f1[:-1])])


def reliability(
    truth: Array, probability: Array, bins: int = 10, directed: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Computes a reliability curve: mean probability and fraction of links in each bin.

    The pairs of nodes are sorted by probability and divided into bins of about equal size. If the
    probabilities are calibrated, the mean probability and the fraction of links are about equal in
    each bin.

    Args:
        truth, probability, directed: as in `link_scores`.
        bins: int. Number of bins. Pairs of equal probability are in the same bin. Default 10.

    Returns:
        Two arrays (bins,): the mean probabilities in ascending order, and the fractions of links.
        The arrays are shorter if some bins are empty.

    Raises:
        ValueError: if the shapes differ, or an included pair is NaN or infinite.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
        >>> stgkeras.metrics.reliability(truth, 0.5 * truth + 0.25, bins=2)[1].tolist()
        [0.0, 1.0]
    """
    y, p = (pairs.ravel() for pairs in _checked_pairs(truth, probability, directed))
    bins = arguments.integer("bins", bins)
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, p, side="left")
    count = np.bincount(place)
    used = count > 0
    sums = (np.bincount(place, weights=values)[used] for values in (p, y))
    mean, share = (total / count[used] for total in sums)
    return mean, share


def _checked_pairs(truth, probability, directed):
    """Returns links, bool, and finite probabilities of the included pairs, (graphs, pairs) each."""
    y, p = _pairs(truth, probability, directed)
    _check_pairs(
        "`truth` must hold 0 and 1, not NaN", y, np.isnan(y), "Remove the graphs with NaN."
    )
    _check_pairs(
        "`probability` must not hold NaN or infinity",
        p,
        ~np.isfinite(p),
        "Check whether the model has diverged or its inputs contain NaN.",
    )
    return y > 0, p


def _check_pairs(rule, values, wrong, fix):
    if wrong.any():
        raise ValueError(
            f"{rule}. Received: invalid values in {np.count_nonzero(wrong)} of {wrong.size} "
            f"pairs; the first is {values[wrong][0]}. {fix}"
        )


def _pairs(truth, probability, directed):
    """Returns truth and probabilities of the included pairs, (graphs, pairs) float64 each."""
    truth = arguments.array("truth", truth)
    probability = arguments.array("probability", probability)
    directed = arguments.boolean("directed", directed)
    if truth.ndim != 3 or truth.shape != probability.shape:
        raise ValueError(
            "`truth` and `probability` must have the same shape (graphs, nodes, nodes). "
            f"Received: truth.shape={truth.shape}, probability.shape={probability.shape}"
        )
    if not directed:
        _check_symmetric(truth)
    pairs = ~np.eye(truth.shape[-1], dtype=bool)
    pairs = pairs if directed else np.triu(pairs)
    return truth[:, pairs].astype("float64"), probability[:, pairs].astype("float64")


def _check_symmetric(truth):
    entry = asymmetric_entry(truth)
    if entry is not None:
        graph, n, m = entry
        raise ValueError(
            "`truth` must be symmetric with directed=False. Received: "
            f"{truth[graph, n, m]} at truth[{graph}, {n}, {m}], and {truth[graph, m, n]} at "
            f"truth[{graph}, {m}, {n}]. Pass `directed=True`, or ignore the direction with "
            "`np.maximum(truth, truth.swapaxes(1, 2))`."
        )
