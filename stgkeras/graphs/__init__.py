"""Graphs as matrices: adjacency matrices, Laplacians, Fourier bases and coarsening.

Matrices are NumPy arrays or SciPy sparse arrays. Entry `[n, m]` is the weight of the edge from
node m to node n: node n receives from node m.
"""

from __future__ import annotations

from stgkeras.graphs.adjacency import from_edges, knn_graph
from stgkeras.graphs.coarsening import Coarsening, coarsen
from stgkeras.graphs.kernel import gaussian_kernel
from stgkeras.graphs.laplacian import (
    chebyshev_polynomials,
    laplacian,
    random_walk,
    renormalized_adjacency,
    scaled_laplacian,
)
from stgkeras.graphs.networks import from_networkx
from stgkeras.graphs.partitions import Partition, partition
from stgkeras.graphs.patches import Patches, patches
from stgkeras.graphs.places import distances_km
from stgkeras.graphs.sparse import stored_entries
from stgkeras.graphs.spectrum import estimate_graph, fourier_basis

__all__ = [
    "Coarsening",
    "Partition",
    "Patches",
    "chebyshev_polynomials",
    "coarsen",
    "distances_km",
    "estimate_graph",
    "fourier_basis",
    "from_edges",
    "from_networkx",
    "gaussian_kernel",
    "knn_graph",
    "laplacian",
    "partition",
    "patches",
    "random_walk",
    "renormalized_adjacency",
    "scaled_laplacian",
    "stored_entries",
]
