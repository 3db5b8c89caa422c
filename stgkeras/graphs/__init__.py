"""Graphs as NumPy arrays or SciPy sparse arrays: building them, and the operators layers apply.

One convention holds everywhere: entry `[n, m]` weighs what node n receives from node m.
"""

from stgkeras.graphs.adjacency import from_edges, from_networkx, gaussian_kernel, knn_graph
from stgkeras.graphs.laplacian import (
    chebyshev_polynomials,
    laplacian,
    renormalized_adjacency,
    scaled_laplacian,
)

__all__ = [
    "chebyshev_polynomials",
    "from_edges",
    "from_networkx",
    "gaussian_kernel",
    "knn_graph",
    "laplacian",
    "renormalized_adjacency",
    "scaled_laplacian",
]
