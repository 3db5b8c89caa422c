"""Figures of nodes or samples in two dimensions, by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from stgkeras import arguments
from stgkeras.plots.checks import by_label, texts
from stgkeras.plots.looks import MARKERS, short
from stgkeras.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def classes(
    features: Mapping[str, Array],
    labels: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws points in the plane, with a colour and a marker for each class.

    The figure shows how well features separate the classes. Several panels compare features, for
    example the inputs of a model beside its hidden features. Features of more than two dimensions
    are projected by t-SNE. The axes of such a projection have no units, so they have no ticks.

    Args:
        features: dict of title → array (points, F), dense or SciPy sparse, F ≥ 2. One panel each.
        labels: array (points,) of ints. Class of each point. Points with the label -1 have no
            class and are not drawn.
        names: sequence of str, or None. Name of each class. None: "class 0", "class 1", ….
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if there are more than eight classes, or an array has another shape.

    Example:
        >>> import numpy as np, stgkeras
        >>> rng = np.random.default_rng(0)
        >>> features = {"inputs": rng.normal(size=(9, 2)), "hidden": rng.normal(size=(9, 2))}
        >>> figure = stgkeras.plots.classes(features, np.arange(9) % 3, title="papers")
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['class 0', 'class 1', 'class 2']
    """
    from matplotlib.figure import Figure

    texts(title=title)
    features = by_label("features", features, "array (points, F)")
    labels = arguments.array("labels", labels, "(points)")
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"`labels` must be ints. Received: labels of dtype {labels.dtype}. Pass the number of "
            "the class of each point, or -1."
        )
    found = np.unique(labels[labels >= 0])
    if not len(found) or len(labels) < 2:
        raise ValueError(
            "`labels` must have at least two points, and one with a class, 0 or more. Received: "
            f"{len(labels)} points, {len(found)} classes. Pass the classes of more points."
        )
    if len(found) > len(MARKERS):
        raise ValueError(
            f"`labels` must have at most {len(MARKERS)} classes. Received: {len(found)} classes. "
            "Draw some of the classes, and set the labels of the others to -1."
        )
    if names is not None and len(arguments.sequence("names", names)) <= found.max():
        raise ValueError(
            f"`names` must have a name for each class, 0 to {found.max()}. Received: {len(names)} "
            "names. Pass the names of all classes."
        )
    for name, matrix in features.items():
        if not sp.issparse(matrix):
            features[name] = matrix = arguments.array(f"features[{name!r}]", matrix)
        shape: tuple[int, ...] = matrix.shape
        if len(shape) != 2 or shape[0] != len(labels) or shape[1] < 2:
            raise ValueError(
                f"`features` must hold arrays ({len(labels)}, F) with F of at least 2, a row for "
                f"each label. Received: features[{name!r}] of shape {shape}. Pass one row for each "
                "label."
            )
        numbers: Any = matrix
        if not np.isfinite(numbers.data if sp.issparse(matrix) else numbers).all():
            raise ValueError(
                f"`features[{name!r}]` must hold finite numbers. Received: NaN or infinite ones. "
                "Leave these points out."
            )
    figure = Figure(figsize=(3.6 * len(features), 4.2), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(features)))
    for panel, (name, matrix) in zip(panels, features.items(), strict=True):
        places = _in_the_plane(matrix)
        for label, marker in zip(found, MARKERS, strict=False):
            x, y = places[labels == label].T
            text = f"class {label}" if names is None else short(names[label], 24)
            look = {"marker": marker, "linewidths": 0.6, "alpha": 0.8}
            panel.scatter(x, y, s=8, color=f"C{label % 10}", label=text, **look)
        panel.set(xticks=[], yticks=[], title=name)
    handles, shown = panels[0].get_legend_handles_labels()
    columns = min(4, len(shown))
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "fontsize": 8}
    figure.legend(handles, shown, frameon=False, markerscale=2, **place)
    figure.suptitle(title)
    return figure


def _in_the_plane(features):
    """Returns features (points, F) in two dimensions, (points, 2)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.manifold import TSNE

    if sp.issparse(features):  # t-SNE begins with a projection that needs dense features
        features = TruncatedSVD(min(50, features.shape[1] - 1), random_state=0).fit_transform(
            features
        )
    features = np.asarray(features)
    if features.shape[1] == 2:
        return features
    if (features == features[0]).all():  # t-SNE of scikit-learn 1.9 ends the process here
        return np.zeros((len(features), 2))
    perplexity = min(30.0, len(features) - 0.5)  # below the number of points
    return TSNE(random_state=0, perplexity=perplexity).fit_transform(features)
