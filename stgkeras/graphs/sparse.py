"""Sparse matrices as plain arrays."""

import numpy as np
import scipy.sparse as sp


def stored_entries(matrix):
    """Takes sparse features apart into arrays, as a batch of one.

    The form in which models with `num_entries` take features: no array of nodes × features.

    Args:
        matrix: (nodes, features) SciPy sparse.

    Returns:
        dict of "index" (1, 2, entries) int32, the node and the feature of each entry; "value" (1,
        entries) float32.

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
            f"`matrix` must be a SciPy sparse matrix. Received: {type(matrix).__name__}; pass it "
            "through `scipy.sparse.csr_array`, or give the model the dense features."
        )
    matrix = sp.coo_array(matrix)
    if not np.isfinite(matrix.data).all():
        raise ValueError("`matrix` must be finite. Received: NaN or infinite entries")
    index = np.stack(matrix.coords).astype(np.int32)
    return {"index": index[None], "value": matrix.data.astype(np.float32)[None]}
