"""Sparse feature matrices as plain arrays."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import scipy.sparse as sp


def stored_entries(matrix: sp.sparray | sp.spmatrix) -> dict[str, np.ndarray]:
    """Converts a sparse feature matrix to arrays of its stored entries, as a batch of one graph.

    Models with `num_entries` take features in this form. It needs no dense (nodes, features)
    array.

    Args:
        matrix: (nodes, features) SciPy sparse array or matrix.

    Returns:
        dict with "index", (1, 2, entries) int32, the node and the feature of each entry; and
        "value", (1, entries) float32.

    Raises:
        TypeError: if `matrix` is not SciPy sparse.
        ValueError: if an entry is not finite.

    Example:
        >>> import scipy.sparse
        >>> entries = stored_entries(scipy.sparse.csr_array([[0.0, 2.0], [0.0, 0.0], [3.0, 0.0]]))
        >>> entries["index"].tolist(), entries["value"].tolist()
        ([[[0, 2], [1, 0]]], [[2.0, 3.0]])
    """
    if not sp.issparse(matrix):
        raise TypeError(
            "`matrix` must be a SciPy sparse matrix. Received: matrix of type "
            f"{type(matrix).__name__}. Convert it with `scipy.sparse.csr_array`, or pass dense "
            "features to the model."
        )
    stored = sp.coo_array(cast(Any, matrix))
    if not np.isfinite(stored.data).all():
        raise ValueError(
            "`matrix` must be finite. Received: matrix with NaN or infinite entries. "
            "Replace or remove them."
        )
    index = np.stack(stored.coords).astype(np.int32)
    return {"index": index[None], "value": stored.data.astype(np.float32)[None]}
