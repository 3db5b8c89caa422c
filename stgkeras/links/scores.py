"""Test scores of a link predictor beside baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from stgkeras import arguments, metrics
from stgkeras.links import predictions
from stgkeras.links.predictions import baselines, histories, is_directed, truth

if TYPE_CHECKING:
    import pandas as pd

ALL_CONTACTS = "mean of all contacts"


def evaluate(model: keras.Model, val: Any, test: Any, name: str | None = None) -> pd.DataFrame:
    """Computes test scores of a link predictor and of baselines.

    The baselines are the last graph, the mean of the graphs of a window, and their exponentially
    weighted mean. If the windows have a history, the exponentially weighted mean of all earlier
    contacts is another baseline, with the time constant that has the largest average precision on
    validation data. It is not a probability, so its log loss and its Brier score are NaN.

    F1 uses the threshold with the best F1 on validation. The recall counts the L most probable
    pairs of each graph, where L is the mean number of links of a test graph.

    Args:
        model: link predictor, which returns probabilities (batch, N, N).
        val: windows of the validation part, from `Snapshots.windows` or `DynamicGraphs.windows`,
            not shuffled.
        test: windows of the test part.
        name: str or None. Name of the row of the model. Default None: the name of its class.

    Returns:
        pandas frame with a row for the model and for each baseline, and the columns "AUC", "AP",
        "log-loss", "Brier", "F1" and "recall at L".

    Raises:
        TypeError: if `val` or `test` are no windows, or `model` is no link predictor.
        ValueError: if windows are shuffled or have sample weights, do not fit the model or each
            other, or a part has no links.

    Example:
        >>> import stgkeras
        >>> snapshots = stgkeras.datasets.make_contacts(num_days=2).snapshots(width=600)
        >>> val, test = (snapshots.windows(steps) for steps in (range(60, 75), range(75, 95)))
        >>> model = stgkeras.models.STGCNLinkPredictor(30, num_features=5, units=4, num_blocks=1,
        ...     decoder="pairwise", num_history=7)
        >>> table = stgkeras.links.evaluate(model, val, test, name="untrained")
        >>> table.index.tolist()[:3]
        ['untrained', 'last graph', 'mean of the window']
    """
    import pandas as pd

    predictions.check_model(model)
    for part, windows in (("val", val), ("test", test)):
        predictions.check_windows(part, windows)
        predictions.check_inputs(part, windows[0][0], model)
        wanted = getattr(model, "directed", None)
        predictions.check_direction(part, is_directed(windows), "model", wanted)
    predictions.check_direction("val", is_directed(val), "test", is_directed(test))
    name = type(model).__name__ if name is None else arguments.text("name", name)
    pairs: dict[str, Any] = {"directed": is_directed(test)}
    on_val, on_test = (
        {name: model.predict(windows, verbose=0)} | baselines(windows) for windows in (val, test)
    )
    val_graphs, graphs = truth(val), truth(test)
    candidates, later = histories(val), histories(test)
    if candidates is not None and later is not None:
        precision = [metrics.link_scores(val_graphs, mean, **pairs)["AP"] for mean in candidates]
        best = int(np.argmax(precision))
        on_val[ALL_CONTACTS], on_test[ALL_CONTACTS] = candidates[best], later[best]
    links = max(1, round(graphs.sum() / len(graphs) / (1 if pairs["directed"] else 2)))
    rows = {}
    for row, probability in on_test.items():
        threshold = metrics.best_threshold(val_graphs, on_val[row], **pairs)
        rows[row] = {
            **metrics.link_scores(graphs, probability, **pairs),
            "F1": float(metrics.LinkF1(threshold, **pairs)(graphs, probability)),
            f"recall at {links}": metrics.recall_at_k(graphs, probability, links, **pairs),
        }
    table = pd.DataFrame(rows).T
    if ALL_CONTACTS in table.index:
        table.loc[ALL_CONTACTS, ["log-loss", "Brier"]] = float("nan")
    return table
