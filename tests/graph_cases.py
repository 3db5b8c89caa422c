"""Small graphs, operators and random adjacencies that the tests of `graphs` share."""

import os
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import settings
from hypothesis.extra import numpy as hnp

from stgkeras.graphs import (
    laplacian,
    renormalized_adjacency,
    scaled_laplacian,
)

PATH = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=float)
STAR = np.array([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], dtype=float)
ISOLATED = np.array([[0, 2, 0], [2, 0, 0], [0, 0, 0]], dtype=float)  # node 2 has no edge
DIRECTED = np.array([[0, 3, 1], [0, 0, 2], [0, 0, 0]], dtype=float)  # node 2 receives nothing
LOOP = np.array([[0.5, 1], [1, 0]])  # node 0 has a self loop
R = np.sqrt(0.5)

OPERATORS = {
    "laplacian-sym": laplacian,
    "laplacian-rw": lambda a: laplacian(a, normalization="rw"),
    "laplacian-none": lambda a: laplacian(a, normalization=None),
    "scaled-sym": lambda a: scaled_laplacian(a, lambda_max=2.0),
    "scaled-rw": lambda a: scaled_laplacian(a, normalization="rw", lambda_max=1.7),
    "scaled-none": lambda a: scaled_laplacian(a, normalization=None, lambda_max=9.0),
    "renormalized": renormalized_adjacency,
}
SPARSE = {
    **{form: lambda a, form=form: sp.csr_array(a).asformat(form) for form in "csc coo lil".split()},
    "csr": sp.csr_array,
    "csr_matrix": sp.csr_matrix,
    "coo_matrix": sp.coo_matrix,
}
every_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())
every_sparse = pytest.mark.parametrize("to_sparse", SPARSE.values(), ids=SPARSE.keys())
quick = settings(max_examples=20, deadline=None)


def data_file(*parts):
    root = os.environ.get("STGKERAS_DATA")
    path = Path(root or "", *parts)
    if not root or not path.is_file():
        pytest.skip(f"STGKERAS_DATA holds no {'/'.join(parts)}")
    return path


@st.composite
def adjacencies(draw, symmetric=False, self_loops=True):
    num_nodes = draw(st.integers(1, 8))
    weights = st.just(0.0) | st.floats(1e-3, 1e3)
    adjacency = draw(hnp.arrays(np.float64, (num_nodes, num_nodes), elements=weights))
    if symmetric:
        adjacency = np.maximum(adjacency, adjacency.T)
    if not self_loops:
        np.fill_diagonal(adjacency, 0.0)
    return adjacency
