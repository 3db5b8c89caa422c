"""Files about a link predictor: scores, new ties and figures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import keras

from stgkeras import arguments
from stgkeras.links.figures import figures
from stgkeras.links.new_ties import new_ties
from stgkeras.links.predictions import check_snapshots
from stgkeras.links.scores import evaluate

if TYPE_CHECKING:
    import pandas as pd


def report(
    folder: str | os.PathLike[str],
    model: keras.Model,
    val: Any,
    test: Any,
    name: str | None = None,
    title: str = "",
) -> pd.DataFrame:
    """Writes the results of `evaluate`, `new_ties` and `figures` to a folder.

    Args:
        folder: path of an existing folder. The function writes table.csv, new_ties.csv and the
            figures next_graph.png, new_ties.png and reliability.png.
        model: trained link predictor, which returns probabilities (batch, N, N).
        val: windows of the validation part, from `Snapshots.windows`, not shuffled.
        test: windows of the test part.
        name: str or None. Name of the model. Default None: the name of its class.
        title: str. Name of the data set, for the titles of the figures. Default "".

    Returns:
        pandas frame of `evaluate`.

    Raises:
        TypeError: if `val` or `test` are no windows, or `model` is no link predictor.
        ValueError: if windows are shuffled or have sample weights, do not fit the model or each
            other, or a part has no links; if `folder` does not exist.

    Example:
        >>> import os, stgkeras, tempfile
        >>> snapshots = stgkeras.datasets.make_contacts(num_days=2).snapshots(width=600)
        >>> val, test = (snapshots.windows(steps) for steps in (range(60, 75), range(75, 95)))
        >>> model = stgkeras.models.STGCNLinkPredictor(30, num_features=5, units=4, num_blocks=1,
        ...     decoder="pairwise", num_history=7)
        >>> folder = tempfile.mkdtemp()
        >>> table = stgkeras.links.report(folder, model, val, test, title="office")
        >>> len(os.listdir(folder))
        5
    """
    path = arguments.path("folder", folder)
    if not path.is_dir():
        raise ValueError(
            f"`folder` must be an existing folder. Received: folder={str(path)!r}. Create the "
            "folder first."
        )
    arguments.text("title", title)
    check_snapshots("test", test)
    table = evaluate(model, val, test, name)
    table.to_csv(path / "table.csv", index_label="prediction")
    new_ties(model, test.snapshots, history=test.history).to_csv(path / "new_ties.csv", index=False)
    for figure_name, figure in figures(model, test, name, title).items():
        figure.savefig(path / f"{figure_name}.png", dpi=200)
    return table
