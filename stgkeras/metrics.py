"""Figures of merit of whole predictions, as functions on arrays."""

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
        ValueError: if the shapes differ, or `truth` holds one class alone.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
        >>> stgkeras.metrics.link_scores(truth, 0.8 * truth + 0.1)["AUC"]
        1.0
    """
    from sklearn import metrics

    truth, probability = np.asarray(truth), np.asarray(probability, "float64")
    if truth.ndim != 3 or truth.shape != probability.shape:
        raise ValueError(
            "`truth` and `probability` must have one shape (graphs, nodes, nodes). "
            f"Received: {truth.shape} and {probability.shape}"
        )
    pairs = ~np.eye(truth.shape[-1], dtype=bool)
    pairs = pairs if directed else np.triu(pairs)
    y, p = truth[:, pairs].ravel() > 0, probability[:, pairs].ravel()
    if y.all() or not y.any():
        raise ValueError("`truth` must hold links and missing links. Received: one of them alone")
    return {
        "AUC": float(metrics.roc_auc_score(y, p)),
        "AP": float(metrics.average_precision_score(y, p)),
        "log-loss": float(metrics.log_loss(y, np.clip(p, 1e-7, 1 - 1e-7))),
        "Brier": float(np.mean((p - y) ** 2)),
    }


def forecast_errors(truth, forecast, steps):
    """Mean absolute and root mean squared error at chosen steps ahead, and over all.

    Args:
        truth: (windows, horizon, nodes, outputs), in original units.
        forecast: of the same shape.
        steps: dict of label → step ahead, 1 being the first, such as {"15 min": 3}.

    Returns:
        dict of "MAE <label>", "MAE mean" over all steps, "RMSE <label>" and "RMSE mean", in the
        units of `truth`; each pooled over all entries.

    Raises:
        ValueError: if the shapes differ, or a step is beyond the horizon.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.zeros((4, 3, 2, 1))
        >>> stgkeras.metrics.forecast_errors(truth, truth + 2, {"15 min": 3})["RMSE 15 min"]
        2.0
    """
    truth, forecast = np.asarray(truth, "float64"), np.asarray(forecast, "float64")
    if truth.ndim != 4 or truth.shape != forecast.shape:
        raise ValueError(
            "`truth` and `forecast` must have one shape (windows, horizon, nodes, outputs). "
            f"Received: {truth.shape} and {forecast.shape}"
        )
    beyond = {label: step for label, step in steps.items() if not 1 <= step <= truth.shape[1]}
    if beyond:
        raise ValueError(f"`steps` must lie in 1 … {truth.shape[1]}. Received: {beyond}")
    error = forecast - truth
    parts = {label: error[:, step - 1] for label, step in steps.items()} | {"mean": error}
    absolute = {f"MAE {label}": float(np.mean(np.abs(part))) for label, part in parts.items()}
    squared = {f"RMSE {label}": float(np.mean(part**2) ** 0.5) for label, part in parts.items()}
    return absolute | squared
