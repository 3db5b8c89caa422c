"""Training and forecasts of a model one part of the graph after the other, on one machine."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import scipy.sparse as sp

from stgkeras import arguments, graphs
from stgkeras.models.forecaster import Forecaster
from stgkeras.parallel import part_layers
from stgkeras.parallel.node_layout import check_forecaster
from stgkeras.parallel.part_state import PartState


class NodeParts:
    """Trains a forecaster on one part of the graph after the other, and forecasts in the same way.

    The memory of a step is then that of a part, not that of the graph. The graph must have near
    neighbours, such as a road network: `graphs.partition` divides it, and each part is computed
    with the nodes that its graph layers read (halo). In a graph of few hops between any two nodes,
    the halo of each part is the whole graph. Look at `partition.halo_sizes` first.

    Forecasts are those of the whole model, except for rounding errors. STGCN normalises over all
    nodes: for each of its normalisations, a pass over the parts first computes mean and variance of
    all nodes.

    In training, a step computes the loss of the nodes of one part alone (inner nodes). It changes
    the weights that all nodes share and those of the inner nodes, such as their embeddings, with
    the state of the optimizer for these nodes. A batch of windows thus gives a step for each part,
    in random order. The weights of other nodes do not change in this step, also where the loss
    depends on them. STGCN normalises by mean and variance of the inner nodes of the part. So
    training is not the same as that of the whole model.

    Args:
        model: `models.GraphSTID` with adaptive_units=0, `models.STGCN` or `models.ASTGCN` with
            attention=False, with a sparse `graph`. `fit` writes the trained weights into it, and it
            is saved as always. Its graph must not change, its other weights are read in each call
            of `fit` and `predict`.
        num_parts: int, from 1 to the number of nodes. With more parts, a step needs less memory,
            and more nodes are computed in several parts.

    Attributes:
        partition: `graphs.Partition`: nodes of each part, halos, share of the edges between parts.
        hops: int. Number of hops of the halo: the sum over the graph layers of the model.
        num_nodes: int. Number of nodes in a step: those of the largest part, with its halo.

    Raises:
        TypeError: if `model` is no forecaster.
        ValueError: if a layer of the model mixes all nodes, such as a learned graph or attention;
            if the graph is an input; or if `num_parts` is out of range.

    Example:
        >>> import numpy as np, stgkeras
        >>> places = np.random.default_rng(0).random((60, 2))
        >>> near = stgkeras.graphs.knn_graph(places, 2, sparse=True)
        >>> graph = stgkeras.graphs.scaled_laplacian(near.maximum(near.T), lambda_max=2.0)
        >>> model = stgkeras.models.GraphSTID(60, graph=graph, horizon=3, adaptive_units=0, K=2)
        >>> model.compile("adam", stgkeras.losses.MaskedMeanAbsoluteError())
        >>> parts = stgkeras.parallel.NodeParts(model, 4)
        >>> parts.hops, len(parts.partition.halo_sizes)
        (3, 4)
        >>> values = np.random.default_rng(1).random((40, 60, 1))
        >>> windows = stgkeras.datasets.Windows(
        ...     values, values, range(20), input_length=12, horizon=3, batch_size=10)
        >>> history = parts.fit(windows, epochs=2, verbose=0)  # 2 batches × 4 parts an epoch
        >>> parts.predict(windows).shape
        (20, 3, 60, 1)

    Source:
        Chiang et al., 2019, arXiv:1905.07953 (Cluster-GCN), which also trains on one part of the
        nodes at a time. Departs from the paper: each part has a halo, so that no edge is left out.
    """

    def __init__(self, model: Forecaster, num_parts: int) -> None:
        check_forecaster(model)
        self.model, self.hops = model, part_layers.hops(model)
        model.get_layer("static_graph").require()
        operator: Any = model.graph
        graph: Any = sp.csr_array(operator)
        self.partition = graphs.partition(graph, num_parts, hops=self.hops)
        pairs = zip(self.partition.inner, self.partition.halo, strict=True)
        nodes = [np.concatenate(pair) for pair in pairs]
        self.num_nodes = max(map(len, nodes))
        self._checksums = part_layers.checksums(model)
        self._graphs = [graph[one][:, one] for one in nodes]
        for part in self._graphs:
            part.resize((self.num_nodes, self.num_nodes))
        # All parts have equally many nodes. Copies of one node, without edges, fill them.
        self._nodes = [np.pad(one, (0, self.num_nodes - len(one)), "edge") for one in nodes]
        room = max(1, *(part.nnz for part in self._graphs))
        config = {**model.get_config(), "num_nodes": self.num_nodes}
        config["num_edges"] = None if model.num_edges is None else room
        self._part = type(model).from_config(config)
        self._state = PartState(model, self._part)
        self._norms = part_layers.normalizations(self._part)
        for norm in self._norms:
            norm.first_nodes = min(map(len, self.partition.inner))
        self._segments = part_layers.segments(self._part, self._norms)
        self._loss: Any = None

    def fit(
        self, windows: Any, epochs: int = 1, *, seed: int = 0, verbose: int = 1
    ) -> keras.callbacks.History:
        """Trains the model, and writes the weights into it.

        The optimizer and the loss are those that the model was compiled with. The optimizer starts
        anew with its settings, and later calls continue with it, and with a learning rate that was
        set, until the model is compiled again.

        Args:
            windows: `datasets.Windows` of all nodes, or another `keras.utils.PyDataset` of batches
                (x, y).
            epochs: int. Number of passes over the windows.
            seed: int ≥ 0. Seed of the order of the parts.
            verbose: int. 1 shows the progress and the loss, 0 nothing.

        Returns:
            `keras.callbacks.History` with the mean loss of the steps of each epoch.

        Raises:
            TypeError: if `windows` are no `keras.utils.PyDataset`.
            ValueError: if the model is not compiled with a masked loss, such as
                `losses.MaskedMeanAbsoluteError`; if the optimizer averages weights or accumulates
                gradients; or if data are invalid, as in `fit` of the model.
        """
        arguments.integer("epochs", epochs)
        rng = np.random.default_rng(arguments.integer("seed", seed, 0))
        if not isinstance(windows, keras.utils.PyDataset):
            raise TypeError(
                "`windows` must be a data set of batches. Received: windows of type "
                f"{type(windows).__name__}. Pass `stgkeras.datasets.Windows` of all nodes."
            )
        self.model.require_state()
        readings = self.model.readings("fit")
        part_layers.check_compiled(self.model, readings.unmasked_loss)
        data, _ = readings.checked(windows)
        self._follow()
        self._compile()
        self._state.read(writable=True)
        history = keras.callbacks.History()
        history.set_model(self.model)
        history.on_train_begin()
        data.on_epoch_end()  # as Keras does, so that shuffled windows have the same order
        try:
            for epoch in range(epochs):
                batches = data.num_batches
                steps = batches * len(self._nodes)
                bar = keras.utils.Progbar(steps, verbose=verbose, stateful_metrics=["loss"])
                self._part.reset_metrics()
                for number in range(batches):
                    x, y = data[number]
                    part_layers.check_inputs(self.model, x)
                    for part in rng.permutation(len(self._nodes)):
                        logs = self._step(x, y, part)
                        bar.add(1, list(logs.items()))
                data.on_epoch_end()
                history.on_epoch_end(epoch, logs)
        finally:
            self._state.write()
        readings.warn(stacklevel=2)
        return history

    def predict(self, x: Any) -> np.ndarray:
        """Forecasts all nodes.

        Args:
            x: inputs of the model, one batch: array (batch, T, num_nodes, F) or dict of arrays; or
                `datasets.Windows`, whose batches are computed one after the other.

        Returns:
            (windows, horizon, num_nodes, num_outputs), with one more axis for quantiles.

        Raises:
            ValueError: if data are invalid, as in `predict` of the model.
        """
        self.model.require_state()
        readings = self.model.readings()
        data, _ = readings.checked(x)
        self._follow()
        self._state.read(writable=False)
        if isinstance(data, keras.utils.PyDataset):
            batches = (data[number][0] for number in range(data.num_batches))
            forecast = np.concatenate([self._forecast(one) for one in batches])
        else:
            forecast = self._forecast(data)
        readings.warn(stacklevel=2)
        return forecast

    def _follow(self):
        """Gives the model of a part the targets of the whole model, which `fit` may choose.

        Raises:
            ValueError: if the model has another graph than at first.
        """
        if part_layers.checksums(self.model) != self._checksums:
            raise ValueError(
                "`model` must keep the graph with which `NodeParts` was created. Received: a model "
                f"with another graph. Create `NodeParts(model, {len(self._nodes)})` again."
            )
        if self._part.targets != self.model.targets:
            self._part.choose_targets(self.model.targets)
            for segment in self._segments:
                segment.predict_function = None  # it returns the units of other features

    def _compile(self):
        """Compiles the model of a part as the whole model, if that was compiled again."""
        model = self.model
        if self._loss is not None and self._loss is model._compile_loss:  # new in each `compile`
            rate = model.optimizer.learning_rate
            if isinstance(rate, keras.Variable):  # no schedule
                self._part.optimizer.learning_rate = float(keras.ops.convert_to_numpy(rate.value))
            return
        for one, other in zip(model.layers, self._part.layers, strict=True):
            other.trainable = one.trainable
        self._part.compile(
            type(model.optimizer).from_config(model.optimizer.get_config()),
            model.loss,
            loss_weights=[model._loss_weight],
            jit_compile=model.jit_compile,
        )
        self._part.optimizer.build(self._part.trainable_variables)
        self._state.take_slots(self._part.optimizer)
        self._loss = model._compile_loss

    def _step(self, x, y, part):
        """Trains on one part, and returns the mean loss of the epoch."""
        self._load(part)
        for rows in self._state.slots:
            rows.load(self._nodes[part])
        inner = self.partition.inner[part]
        targets = np.asarray(np.take(y, self._nodes[part], axis=2), "float32")
        targets[:, :, len(inner) :] = np.nan
        logs = self._part.train_on_batch(self._of_part(x, part), targets, return_dict=True)
        for rows in (*self._state.rows, *self._state.slots):
            rows.store(inner)
        return logs

    def _forecast(self, x):
        """Returns the forecast of one batch. A pass over the parts for each normalisation first."""
        part_layers.check_inputs(self.model, x)
        inner = self.partition.inner
        moments: list[tuple[np.ndarray, np.ndarray]] = []
        for _ in self._norms:
            found = [
                part_layers.moments(self._run(x, part, moments)[..., : len(nodes), :])
                for part, nodes in enumerate(inner)
            ]
            moments.append(part_layers.merged(found))
        shape = self.model.num_nodes, *self.model.output.shape[3:]
        forecast = None
        for part, nodes in enumerate(inner):
            y = self._run(x, part, moments)
            if forecast is None:
                forecast = np.empty((*y.shape[:2], *shape), y.dtype)
            forecast[:, :, nodes] = y[:, :, : len(nodes)]
        return forecast

    def _run(self, x, part, moments):
        """Computes a part, up to the first normalisation whose moments are not given."""
        self._load(part)
        given = self._of_part(x, part)
        given = [given[one.name] if isinstance(given, dict) else given for one in self._part.inputs]
        y = self._segments[0].predict_on_batch(given)
        pairs = zip(moments, self._norms, self._segments[1:], strict=False)
        for (mean, variance), norm, segment in pairs:
            gamma, beta = map(keras.ops.convert_to_numpy, (norm.gamma.value, norm.beta.value))
            scale = 1 / np.sqrt(variance + norm.epsilon)
            y = (y - mean.astype("float32")) * scale.astype("float32") * gamma + beta
            y = segment.predict_on_batch([*given, y])
        return y

    def _load(self, part):
        """Writes the graph and the weights of the nodes of a part into the model of a part."""
        self._part.get_layer("static_graph").graph = self._graphs[part]
        for rows in self._state.rows:
            rows.load(self._nodes[part])

    def _of_part(self, x, part):
        """Returns the inputs of a part: those with nodes, (batch, steps, nodes, features), cut."""
        if isinstance(x, dict):
            return {name: self._of_part(one, part) for name, one in x.items()}
        return np.take(x, self._nodes[part], axis=2) if np.ndim(x) == 4 else x
