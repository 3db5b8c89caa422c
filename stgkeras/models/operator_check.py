"""Checks that the `graph` of a model is a graph operator, not an adjacency or distances."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from stgkeras.types import Array

ITERATIONS = 50
TOLERANCE = 0.01  # operators may be rounded to half precision


def check_operator(graph: Array | None, arguments: Mapping[str, Any]) -> None:
    """Raises ValueError if `graph` is certainly an adjacency or distances; warns if it may be.

    A scaled Laplacian has no positive entry outside the diagonal. A random walk and a normalised
    adjacency have no eigenvalue above 1, and a sum with the identity has a positive diagonal. So a
    matrix with such an eigenvalue, a zero diagonal and no negative entry is no operator. Some
    adjacencies have no such eigenvalue, or have self loops; then the function warns.

    Args:
        graph: None, or the operator, or with "num_frequencies" in `arguments`, a Fourier basis.
            Other arrays, such as a wrong shape, are left to `StaticGraph`.
        arguments: mapping of the arguments of the model: "K", "graph_conv", "num_frequencies" or
            "num_graphs", if the model has them.
    """
    matrix = _non_negative(graph)
    has_walks = "num_graphs" in arguments
    if matrix is None or (arguments.get("K") == 1 and not has_walks):
        return
    if "num_frequencies" in arguments:
        products = (matrix.T @ matrix).toarray()
        if not np.allclose(products, np.eye(len(products)), atol=TOLERANCE):
            raise ValueError(
                "`graph` must be a Fourier basis, with eigenvectors as columns. Received: a matrix "
                "without negative entries and with columns that are not orthonormal. Pass "
                "`graph=stgkeras.graphs.fourier_basis(A)[1]`."
            )
        return
    is_gcn = "K" not in arguments or arguments.get("graph_conv") == "gcn"
    fix = "renormalized_adjacency(A)" if is_gcn else "scaled_laplacian(A)"
    fix = "random_walk(A)" if has_walks else fix
    is_symmetric = abs(matrix - matrix.T).max() <= TOLERANCE * matrix.max()
    eigenvalue = _smallest_radius(matrix, is_symmetric)
    if eigenvalue > 1 + TOLERANCE and not matrix.diagonal().any():
        raise ValueError(
            "`graph` must be a graph operator. Received: a matrix without negative entries and "
            f"with an eigenvalue of at least {eigenvalue:.3g}, which is an adjacency or distances. "
            f"Pass `graph=stgkeras.graphs.{fix}`, with the adjacency A."
        )
    sums = np.concatenate([matrix.sum(axis=0), matrix.sum(axis=1)]).reshape(2, -1)
    is_walk = (np.minimum(abs(sums), abs(sums - 1)) <= TOLERANCE).all(axis=1).any()
    is_scaled = is_symmetric and eigenvalue >= 1 - TOLERANCE
    has_loops = (matrix.diagonal() > 0).all()
    if eigenvalue > 1 + TOLERANCE or not (is_walk or is_scaled or has_loops):
        warnings.warn(
            "`graph` may be an adjacency instead of a graph operator, because it has no negative "
            f"entries and is not normalised. Pass `graph=stgkeras.graphs.{fix}`, with the "
            "adjacency A.",
            stacklevel=2,
        )


def check_adjacencies(graphs: np.ndarray, start: int = 0) -> None:
    """Raises ValueError if graphs (B, …, N, N) of the input "graph" have negative weights.

    A model with such an input computes the operators itself. `start` is the number of the first
    graph in the data.
    """
    if not graphs.size or graphs.min() >= 0:
        return
    place = np.argwhere(graphs < 0)[0].tolist()
    value = graphs[tuple(place)]
    place[0] += start
    raise ValueError(
        "`graph` must hold adjacencies without negative weights, because the model computes the "
        f"graph operators. Received: {value:g} at graph{place}. Pass the adjacencies instead of "
        "Laplacians, and 0 where there is no edge."
    )


def _non_negative(graph):
    """Returns the matrix as csr_array if it has edges and no negative entries, else None."""
    if graph is None:
        return None
    graph = graph if sp.issparse(graph) else np.asarray(graph)
    if graph.dtype.kind not in "biuf" or graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
        return None
    matrix = sp.csr_array(graph, dtype=np.float64)
    is_checked = np.isfinite(matrix.data).all() and (matrix.data >= 0).all()
    has_edges = matrix.sum() > matrix.diagonal().sum()
    return matrix if is_checked and has_edges else None


def _smallest_radius(matrix, is_symmetric):
    """Returns a lower bound of the largest eigenvalue of a matrix without negative entries.

    The walks n → m → n give the bound for all matrices, the Rayleigh quotient of any vector for
    symmetric ones.
    """
    radius = float(np.sqrt(matrix.multiply(matrix.T).sum(axis=1).max()))
    if is_symmetric:
        vector = np.ones(matrix.shape[0])
        for _ in range(ITERATIONS):
            # The added multiple of the vector damps eigenvalues of the other sign.
            vector = matrix @ vector + matrix.max() * vector
            vector /= np.linalg.norm(vector)
        radius = max(radius, float(vector @ (matrix @ vector)))
    return radius
