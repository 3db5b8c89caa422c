"""How well predicted links fit the graphs that came, exactly, over whole test sets."""

import numpy as np


def link_scores(truth, probability, directed=False):
    """How well link probabilities fit graphs, over all pairs of all graphs.

    Args:
        truth: (graphs, nodes, nodes), 1 where there is a link, else 0.
        probability: of the same shape, in [0, 1].
        directed: bool. Whether pairs n ≠ m count twice, or once as n < m. Self loops never count.

    Returns:
        dict of "AUC", area under the ROC curve; "AP", average precision; "log-loss", natural
        logarithm, probabilities kept 1e-7 away from 0 and 1; "Brier", mean squared error.

    Raises:
        ValueError: if the shapes differ, `truth` holds one class alone, or a pair that counts is
            NaN or infinite.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
        >>> stgkeras.metrics.link_scores(truth, 0.8 * truth + 0.1)["AUC"]
        1.0
    """
    from sklearn import metrics

    y, p = (pairs.ravel() for pairs in _checked_pairs(truth, probability, directed))
    if y.all() or not y.any():
        raise ValueError("`truth` must hold links and missing links. Received: one of them alone")
    return {
        "AUC": float(metrics.roc_auc_score(y, p)),
        "AP": float(metrics.average_precision_score(y, p)),
        "log-loss": float(metrics.log_loss(y, np.clip(p, 1e-7, 1 - 1e-7))),
        "Brier": float(np.mean((p - y) ** 2)),
    }


def recall_at_k(truth, probability, k, directed=False):
    """Which share of the links is among the k most probable pairs of their graph.

    Args:
        truth, probability, directed: as in `link_scores`.
        k: int ≥ 1. Of pairs equally probable at the end of the list, each counts in part.

    Returns:
        float in [0, 1], over the links of all graphs; NaN if a pair that counts is NaN in `truth`
        or `probability`.

    Raises:
        ValueError: if the shapes differ, there is no link, or k is not in 1 … number of pairs.

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
        raise ValueError("`truth` must hold links. Received: none")
    if isinstance(k, bool) or not 1 <= k <= y.shape[1]:
        raise ValueError(f"`k` must be an int in 1 … {y.shape[1]}, the pairs. Received: k={k}")
    if not known:
        return float("nan")
    last = -np.partition(-p, k - 1, axis=1)[:, k - 1 : k]  # (graphs, 1)
    above, level = p > last, p == last
    room = (k - above.sum(axis=1)) / level.sum(axis=1)
    found = (y & above).sum(axis=1) + room * (y & level).sum(axis=1)
    return float(found.sum() / y.sum())


def best_threshold(truth, probability, directed=False):
    """The probability from which on a pair is called a link, for the largest F1.

    Choose it on validation graphs, and use it on others.

    Args:
        truth, probability, directed: as in `link_scores`.

    Returns:
        float: pairs of at least this probability are links.

    Raises:
        ValueError: if the shapes differ, there is no link, or a pair that counts is NaN or
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
        raise ValueError("`truth` must hold links. Received: none")
    precision, recall, thresholds = metrics.precision_recall_curve(y, p)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    return float(thresholds[np.argmax(f1[:-1])])


def reliability(truth, probability, bins=10, directed=False):
    """Mean probability and share of links, of bins of equally many pairs from low to high.

    Of a calibrated predictor the two agree.

    Args:
        truth, probability, directed: as in `link_scores`.
        bins: int. Number of bins; equal probabilities share one.

    Returns:
        Two arrays, at most (bins,): mean probabilities, rising, and shares of links.

    Raises:
        ValueError: if the shapes differ, or a pair that counts is NaN or infinite.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
        >>> stgkeras.metrics.reliability(truth, 0.5 * truth + 0.25, bins=2)[1].tolist()
        [0.0, 1.0]
    """
    y, p = (pairs.ravel() for pairs in _checked_pairs(truth, probability, directed))
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, p, side="left")
    count = np.bincount(place)
    used = count > 0
    sums = (np.bincount(place, weights=values)[used] for values in (p, y))
    mean, share = (total / count[used] for total in sums)
    return mean, share


def _checked_pairs(truth, probability, directed):
    """Links, bool, and finite probabilities of the pairs that count, (graphs, pairs) each."""
    y, p = _pairs(truth, probability, directed)
    _refuse("`truth` must hold 0 and 1", y, np.isnan(y), "leave such graphs out")
    _refuse(
        "`probability` must not hold NaN or infinity",
        p,
        ~np.isfinite(p),
        "a model gives them when it has diverged, or has read some",
    )
    return y > 0, p


def _refuse(rule, values, wrong, fix):
    if wrong.any():
        raise ValueError(
            f"{rule} at the pairs that count. Received: {np.count_nonzero(wrong)} of "
            f"{wrong.size}, the first {values[wrong][0]}; {fix}."
        )


def _pairs(truth, probability, directed):
    """Truth and probabilities of the pairs that count, (graphs, pairs) float64 each."""
    truth, probability = np.asarray(truth), np.asarray(probability)
    if truth.ndim != 3 or truth.shape != probability.shape:
        raise ValueError(
            "`truth` and `probability` must have one shape (graphs, nodes, nodes). "
            f"Received: {truth.shape} and {probability.shape}"
        )
    pairs = ~np.eye(truth.shape[-1], dtype=bool)
    pairs = pairs if directed else np.triu(pairs)
    return truth[:, pairs].astype("float64"), probability[:, pairs].astype("float64")
