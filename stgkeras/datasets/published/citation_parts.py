"""Parts of a citation network as Keras datasets, and the accuracy of the words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from stgkeras.graphs import stored_entries

if TYPE_CHECKING:
    from stgkeras.datasets.published.citations import Citations


class CitationPart(keras.utils.PyDataset):
    """Keras dataset of one batch: the whole graph, with weights for the nodes of a part."""

    def __init__(self, citations: Citations, part: str) -> None:
        super().__init__()
        self.inputs = stored_entries(word_shares(citations))
        self.labels = citations.labels[None]
        chosen = np.isin(np.arange(len(citations.labels)), getattr(citations, part))
        self.weights = chosen[None].astype("float32")

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple:
        if index:
            raise IndexError(f"`index` must be 0. Received: index={index}")
        return self.inputs, self.labels, self.weights


def word_shares(citations):
    """Returns the features divided by the number of words of each paper, a csr_array."""
    words = np.maximum(citations.features.sum(axis=1), 1)
    return (citations.features / words[:, None]).tocsr()
