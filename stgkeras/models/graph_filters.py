"""Classifiers from an adjacency matrix, and the filters that they learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np

from stgkeras import arguments, graphs
from stgkeras.models.graph_model import GraphModel
from stgkeras.types import Array


class GraphFilters(GraphModel):
    """Base class of `GraphClassifier`: creates a model from an adjacency, returns its filters."""

    # Function of an adjacency matrix that returns the graph operator of the model.
    usual_operator: Callable[[Array], Any]

    @classmethod
    def from_adjacency(
        cls,
        adjacency: Array,
        *,
        filters: Sequence[int],
        operator: Callable[[Array], Any] | None = None,
        pool_size: int = 2,
        **model_arguments: Any,
    ) -> Self:
        """Creates a classifier of signals with pooling, from the adjacency matrix of the nodes.

        `graphs.coarsen` clusters the nodes once for each convolution, and each convolution uses the
        operator of its level.

        Args:
            adjacency: (N, N), dense or SciPy sparse, non-negative and symmetric.
            filters: sequence of ints. Number of filters of each convolution.
            operator: None, or function of an adjacency that returns the operator. None: the Fourier
                basis for `SpectralCNN`, `graphs.scaled_laplacian` for `ChebNet`, and
                `graphs.renormalized_adjacency` for `GCN`.
            pool_size: int, a power of 2. Largest number of nodes in a cluster. Default 2.
            **model_arguments: other arguments of the model, such as `num_classes`.

        Returns:
            The model.

        Raises:
            ValueError: if an argument is invalid.

        Example:
            >>> import numpy as np, stgkeras
            >>> ring = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)
            >>> model = stgkeras.models.ChebNet.from_adjacency(
            ...     ring, filters=(4, 8), num_classes=3, K=3)
            >>> [members.shape for members in model.clusters]
            [(4, 2), (2, 2)]
        """
        levels = len(arguments.integers("filters", filters))
        if operator is not None and not callable(operator):
            raise TypeError(
                "`operator` must be None or a function of an adjacency. Received: operator="
                f"{operator!r}. Pass a function such as `graphs.scaled_laplacian`."
            )
        try:
            coarse = graphs.coarsen(adjacency, levels, pool_size)
        except ValueError as error:
            if "`levels`" not in str(error):
                raise
            raise ValueError(
                "`filters` must have as many entries as levels that the graph can be clustered to. "
                f"Received: filters={filters!r}. Pass another number of filters: {error}"
            ) from error
        make = cls.usual_operator if operator is None else operator
        model: Any = cls
        return model(
            np.shape(coarse.adjacencies[0])[0],
            graph=[make(matrix) for matrix in coarse.adjacencies[:levels]],
            clusters=coarse.clusters,
            filters=filters,
            **{"classify": "signals"} | model_arguments,
        )

    def filter_matrices(self, feature: int = 0) -> np.ndarray:
        """Computes the graph filters of the first convolution as matrices.

        `plots.spectral_filters` draws the matrices. Bias and ReLU are left out.

        Args:
            feature: int. Index of the input feature. Default 0.

        Returns:
            (filters, N, N). Entry [f, n, m] is the output of filter f at node n for an impulse, the
            number 1, at node m.

        Raises:
            ValueError: if `feature` is out of range, or the model has no graph.

        Example:
            >>> import numpy as np, stgkeras
            >>> graph = stgkeras.graphs.scaled_laplacian(np.ones((5, 5)) - np.eye(5))
            >>> model = stgkeras.models.ChebNet(5, graph=graph, num_classes=3, filters=(4,), K=2)
            >>> model.filter_matrices().shape
            (4, 5, 5)
        """
        feature = arguments.integer("feature", feature, minimum=0)
        if feature >= self.num_features:
            raise ValueError(
                f"`feature` must be below the number of features, {self.num_features}. Received: "
                f"feature={feature}"
            )
        self.require_state()
        graph: Any = self.graph[0] if isinstance(self.graph, tuple) else self.graph
        graph = getattr(graph, "toarray", lambda: graph)().astype("float32")
        layer = self.get_layer("convolution_1")
        config = layer.get_config() | {"activation": None, "use_bias": False}
        linear = type(layer).from_config(config)
        impulses = np.zeros((len(graph), len(graph), self.num_features), "float32")
        impulses[np.arange(len(graph)), np.arange(len(graph)), feature] = 1
        linear.build(impulses.shape, graph.shape)
        linear.set_weights(layer.get_weights()[:1])
        return keras.ops.convert_to_numpy(linear(impulses, graph)).transpose(2, 1, 0)
