"""The images, graphs and models of compare_spectral.py."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from stgkeras import graphs, models


def basis(adjacency):
    return graphs.fourier_basis(adjacency)[1]


LINEAGE = {  # model, its operator, and filters for about 13 700 parameters
    "SCNN": (models.SpectralCNN, basis, {"filters": (12, 24)}),
    "smooth SCNN": (models.SpectralCNN, basis, {"filters": (24, 48), "num_knots": 5}),
    "ChebNet": (models.ChebNet, graphs.scaled_laplacian, {"filters": (24, 48), "K": 5}),
    "GCN": (
        models.GCN,
        graphs.renormalized_adjacency,
        {"filters": (35, 70), "classify": "signals"},
    ),
}


def load(seed):
    """Loads the digits of scikit-learn, their pixels shuffled.

    Returns the grid (64, 64), 1 between pixels side by side or corner to corner, and images
    (samples, 64, 1) from 0 to 1 with their labels: 60, 20 and 20 % for training, validation and
    test, the classes in proportion.
    """
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(64)
    place = np.indices((8, 8)).reshape(2, 64)[:, order]
    grid = np.abs(place[:, :, None] - place[:, None]).max(axis=0) == 1
    x = (x[:, order, None] / 16).astype("float32")
    rest, test = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=seed)
    train, val = train_test_split(rest, test_size=0.25, stratify=y[rest], random_state=seed)
    return grid.astype(float), *((x[part], y[part]) for part in (train, val, test))


def estimate(x, labels=None, seed=0, num_neighbors=4, **settings):
    """Estimates the grid from training images: pixels are linked that vary alike.

    With labels, those that a network trained on them uses alike. Pixels that are the same in every
    image have no links.
    """
    x = x[..., 0]
    varying = np.flatnonzero(x.std(axis=0) > 0)
    signals = (x[:, varying] - x[:, varying].mean(axis=0)) / x[:, varying].std(axis=0)
    if labels is not None:
        network = MLPClassifier((64,), alpha=1.0, max_iter=1000, random_state=seed)
        signals = network.fit(signals, labels).coefs_[0].T
    links = graphs.estimate_graph(signals, num_neighbors=num_neighbors, **settings)
    adjacency = np.zeros((x.shape[1], x.shape[1]))
    adjacency[np.ix_(varying, varying)] = links
    return adjacency


def build(name, adjacency, operator=None, **settings):
    """A model of the lineage, for images on a graph; pools twice, over pairs of nodes."""
    cls, usual_operator, usual = LINEAGE[name]
    coarse = graphs.coarsen(adjacency, levels=2)
    return cls(
        len(adjacency),
        graph=[(operator or usual_operator)(a) for a in coarse.adjacencies[:2]],
        clusters=coarse.clusters,
        num_classes=10,
        units=(),
        **usual | settings,
    )
