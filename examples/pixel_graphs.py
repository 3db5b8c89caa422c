"""Images, graphs and models for compare_spectral.py."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from stgkeras import graphs, models


def basis(adjacency):
    return graphs.fourier_basis(adjacency)[1]


LINEAGE = {  # model class, operator, and filters for about 13 700 parameters
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
    """Loads the digits of scikit-learn with shuffled pixels.

    Returns the grid graph (64, 64), with weight 1 between pixels that share a side or a corner, and
    pairs (images, labels) for training, validation and test. Images have the shape (samples, 64, 1)
    and values from 0 to 1. The parts have 60, 20 and 20 % of the samples, stratified by class.
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
    """Estimates the grid graph from training images, with links between similar pixels.

    Without labels, pixels are similar if their values are similar over the images. With labels,
    pixels are similar if their weights are similar in a network that was trained on the labels.
    Pixels with a constant value have no links.
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
    """Returns a model of `LINEAGE` for images on a graph. It pools twice over pairs of nodes."""
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
