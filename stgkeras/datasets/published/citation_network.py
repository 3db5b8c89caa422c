"""A citation network: papers with words, citations and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs._checks import check_choice

if TYPE_CHECKING:
    from stgkeras.datasets.published.citation_parts import CitationPart


@dataclass(frozen=True, eq=False)
class Citations:
    """Citation network of N papers, with the words of each paper.

    Args:
        features: (N, F) csr_array of float32. Entry [n, f] is 1 if paper n contains word f. Not
            normalised.
        adjacency: (N, N) csr_array of float64. Entry [n, m] is 1 if paper n cites paper m, or m
            cites n. Symmetric, with zero diagonal.
        labels: (N,) int64. Class of each paper, -1 if it has none. In the loss of a
            `models.GCN` or another classifier of this library, such a paper has weight 0. For
            other models, use `np.maximum(labels, 0)` and sample weights of 0.
        train: sorted int64 array of the training nodes.
        val: sorted int64 array of the validation nodes.
        test: sorted int64 array of the test nodes.
    """

    features: sp.csr_array
    adjacency: sp.csr_array
    labels: np.ndarray
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    @property
    def sizes(self) -> dict[str, int]:
        """Arguments of `models.GCN` and `models.ChebNet` that state the sizes of the data."""
        nodes, features = self.features.shape
        classes, entries = int(self.labels.max()) + 1, self.features.nnz
        sizes = {"num_nodes": nodes, "num_features": features}
        return {**sizes, "num_classes": classes, "num_entries": entries}

    def batch(self, part: str) -> CitationPart:
        """Returns a Keras dataset of one batch, the whole graph, for `fit` and `evaluate`.

        Args:
            part: str. "train", "val" or "test": the nodes that count.

        Returns:
            A `keras.utils.PyDataset` of inputs from `graphs.stored_entries`, in which the features
            of a paper sum to 1, as in Kipf and Welling (2017); labels (1, N); and sample weights
            (1, N), 1 for the nodes of the part and 0 for all others.

        Raises:
            ValueError: if `part` is another name.
        """
        from stgkeras.datasets.published.citation_parts import CitationPart  # imports Keras

        check_choice("part", part, ("train", "val", "test"))
        return CitationPart(self, part)

    def accuracy_of_words(self) -> dict[str, float]:
        """Computes the accuracy of a logistic regression on the words, a baseline without graph.

        Returns:
            dict with "validation" and "test": papers in the right class, in %.
        """
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(self.features[self.train], self.labels[self.train])
        parts = {"validation": self.val, "test": self.test}
        return {
            name: 100 * float(model.score(self.features[part], self.labels[part]))
            for name, part in parts.items()
        }
