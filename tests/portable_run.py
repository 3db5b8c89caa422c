"""Models to train on one backend and open on another; as a script, trains and saves them all.

    KERAS_BACKEND=jax python tests/portable_run.py FOLDER

writes `<case>.keras`, the compiled model after `EPOCHS` epochs, and `<case>.npz`, what it predicts,
its losses, and the variables of its optimizer.
"""

import pathlib
import sys

import keras
import numpy as np
import scipy.sparse

import stgkeras

NODES, STEPS, SAMPLES = 6, 12, 16
EPOCHS, BATCH = 3, 8


def signals(num_features, mean=0.0, std=1.0):
    """(samples, steps, nodes, features), and their next 3 steps of feature 0."""
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(SAMPLES, STEPS + 3, NODES, num_features)), axis=1)
    x = (mean + std * x).astype("float32")
    return x[:, :STEPS], x[:, STEPS:, :, :1]


def graphs():
    """Node features and adjacency of a window of graphs, and the graph that follows."""
    rng = np.random.default_rng(1)
    adjacency = np.triu(rng.random((SAMPLES, STEPS + 1, NODES, NODES)) < 0.4, 1)
    adjacency = (adjacency + adjacency.swapaxes(-1, -2)).astype("float32")
    x = np.stack([adjacency.sum(-1), rng.normal(size=adjacency.shape[:-1])], -1).astype("float32")
    return {"x": x[:, :STEPS], "graph": adjacency[:, :STEPS]}, adjacency[:, STEPS]


def adjacency():
    """That of a ring."""
    path = np.eye(NODES, k=1) + np.eye(NODES, k=1 - NODES)
    return path + path.T


def ring():
    return stgkeras.graphs.scaled_laplacian(adjacency())


def astgcn():
    """Dense graph, scaler: two kinds of state that no config holds."""
    x, y = signals(num_features=2, mean=50.0, std=10.0)
    model = stgkeras.models.ASTGCN(
        NODES,
        graph=ring(),
        horizon=3,
        num_features=2,
        num_blocks=1,
        spatial_filters=4,
        temporal_filters=4,
        normalize=True,
    )
    model.adapt(x)
    return model, keras.optimizers.Adam(3e-3), "mse", x, y


def stgcn_sparse():
    """Sparse graph, and an optimizer around another one."""
    x, y = signals(num_features=1)
    model = stgkeras.models.STGCN(
        NODES,
        graph=scipy.sparse.csr_array(ring()),
        horizon=3,
        block_filters=((8, 4, 8),),
        output_filters=(8, 8),
        dropout=0.0,
    )
    inner = keras.optimizers.RMSprop(2e-3)
    return model, keras.optimizers.LossScaleOptimizer(inner, initial_scale=4.0), "mse", x, y


def astgcn_links():
    """A graph a step as input, and a loss of the library."""
    x, y = graphs()
    model = stgkeras.models.ASTGCNLinkPredictor(
        NODES,
        input_length=STEPS,
        num_features=2,
        num_blocks=1,
        spatial_filters=4,
        temporal_filters=4,
        units=8,
        dropout=0.0,
    )
    return model, keras.optimizers.AdamW(2e-3), stgkeras.losses.FocalLoss(alpha=0.5), x, y


def stgcn_links():
    """Moving averages, a scaler, and gradients clipped by their common norm."""
    x, y = graphs()
    model = stgkeras.models.STGCNLinkPredictor(
        NODES,
        input_length=STEPS,
        num_features=2,
        filters=4,
        units=8,
        dropout=0.0,
        normalize=True,
    )
    model.adapt(x["x"])
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    return model, optimizer, stgkeras.losses.FocalLoss(), x, y


def labelled(model, rate):
    """A classifier of signals, and signals that tell which node is highest."""
    x, _ = signals(num_features=1)
    x = x[:, 0]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, keras.optimizers.Adam(rate), loss, x, x[..., 0].argmax(axis=-1)


def chebnet_pooled():
    """A graph a level, the first sparse, and clusters: integer state."""
    coarse = stgkeras.graphs.coarsen(adjacency(), levels=2)
    first, second = (stgkeras.graphs.scaled_laplacian(a) for a in coarse.adjacencies[:2])
    model = stgkeras.models.ChebNet(
        NODES,
        graph=(scipy.sparse.csr_array(first), second),
        clusters=coarse.clusters,
        num_classes=NODES,
        filters=(8, 8),
        K=3,
        units=(8,),
        dropout=0.0,
        kernel_regularizer=keras.regularizers.L2(1e-4),
    )
    return labelled(model, 1e-2)


def smooth_scnn():
    """A Fourier basis; on a ring most eigenvalues are double, so any other would not do."""
    model = stgkeras.models.SpectralCNN(
        NODES,
        graph=stgkeras.graphs.fourier_basis(adjacency())[1],
        num_classes=NODES,
        filters=(8,),
        num_knots=4,
        units=(8,),
        dropout=0.0,
    )
    return labelled(model, 1e-2)


def gcn():
    """A class for each node, on a sparse graph."""
    x, _ = signals(num_features=2)
    graph = scipy.sparse.csr_array(stgkeras.graphs.renormalized_adjacency(adjacency()))
    model = stgkeras.models.GCN(NODES, graph=graph, num_classes=2, num_features=2, dropout=0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, keras.optimizers.Adam(1e-2), loss, x[:, 0], (x[:, 0, :, 0] > 0).astype("int32")


def stgcn_season():
    """A season by node, time of day and kind of day, with readings missing, and a masked loss."""
    x, y = signals(num_features=1, mean=50.0, std=10.0)
    x[0, 3, 2], y[1, 0, 4] = np.nan, np.nan
    stamps = np.datetime64("2024-01-04T00", "s") + np.arange(40) * np.timedelta64(6, "h")
    calendar = stgkeras.datasets.calendar(stamps)
    model = stgkeras.models.STGCN(
        NODES,
        graph=ring(),
        horizon=3,
        block_filters=((8, 4, 8),),
        output_filters=(8, 8),
        dropout=0.0,
        season=4,
    )
    model.adapt(50.0 + 10.0 * np.random.default_rng(3).normal(size=(40, NODES, 1)), calendar)
    inputs = {"x": x, "calendar": np.stack([calendar[n : n + 3] for n in range(SAMPLES)])}
    loss = stgkeras.losses.MaskedMeanAbsoluteError()
    return model, keras.optimizers.Adam(3e-3), loss, inputs, y


MODELS = (
    *(astgcn, stgcn_sparse, stgcn_season),
    *(astgcn_links, stgcn_links),
    *(chebnet_pooled, smooth_scnn, gcn),
)
CASES = {case.__name__: case for case in MODELS}


def build(name):
    """The compiled model of a case, its input and its targets."""
    keras.utils.set_random_seed(0)
    model, optimizer, loss, x, y = CASES[name]()
    model.compile(optimizer, loss)
    return model, x, y


def fit(model, x, y):
    """The mean loss of each epoch."""
    fit = model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    return fit.history["loss"]


def predict(model, x):
    return model.predict(x, batch_size=BATCH, verbose=0)


def optimizer_variables(model):
    """The moments, the number of steps and so on, by place."""
    found = map(keras.ops.convert_to_numpy, model.optimizer.variables)
    return {f"optimizer_{n}": array for n, array in enumerate(found)}


def main(folder):
    folder.mkdir(parents=True)
    for name in CASES:
        model, x, y = build(name)
        losses = fit(model, x, y)
        model.save(folder / f"{name}.keras")
        np.savez(
            folder / f"{name}.npz",
            prediction=predict(model, x),
            losses=losses,
            learning_rate=keras.ops.convert_to_numpy(model.optimizer.learning_rate),
            **optimizer_variables(model),
        )


if __name__ == "__main__":
    from own_process import quick_process

    with quick_process():
        main(pathlib.Path(sys.argv[1]))
