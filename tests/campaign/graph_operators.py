"""Operators of a graph, its coarsening and its parts, against NumPy and SciPy."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from stgkeras import graphs
from tests.campaign.spoiled import Refused, call_of, close, number, numbers, spoil

FAULTS = (0, 0, 0, 1, 1, 1, 2, 3)


def matrix(rng, nodes=None, symmetric=None):
    """Returns a random adjacency, dense or sparse."""
    nodes = nodes or rng.randint(1, 12)
    rng = np.random.default_rng(rng.getrandbits(60))
    found = rng.random((nodes, nodes)) * (rng.random((nodes, nodes)) < rng.choice([0.2, 0.5, 1]))
    found *= rng.choice([1.0, 1.0, 1e-6, 1e6])
    if symmetric or (symmetric is None and rng.random() < 0.5):
        found = np.maximum(found, found.T)
    if rng.random() < 0.6:
        np.fill_diagonal(found, 0)
    if rng.random() < 0.2:
        found = (found > 0).astype(rng.choice(["int64", "uint8", "bool", "float32"]))
    if rng.random() < 0.3:
        return sp.csr_array(found)
    return found


def square(value, negative=False, finite=True):
    found = numbers(value, 2, finite, negative)
    if found.shape[0] != found.shape[1] or not found.size:
        raise Refused(f"shape {found.shape}")
    return found


def symmetric(found):
    if np.abs(found - found.T).max() > 1e-5 * found.max():
        raise Refused("an asymmetric matrix")
    return found


def normalised(found, kind):
    """Returns the Laplacian of a dense matrix."""
    degree = found.sum(axis=1)
    if kind is None:
        return np.diag(degree) - found
    with np.errstate(divide="ignore", over="ignore"):
        root = np.where(degree > 0, 1 / np.sqrt(degree), 0)
    if kind == "rw":
        return np.eye(len(found)) - root[:, None] ** 2 * found
    if kind == "sym":
        return np.eye(len(found)) - root[:, None] * found * root
    raise Refused(f"normalization {kind!r}")


def checked_kind(kind):
    if kind is not None and not isinstance(kind, str):
        raise Refused(f"normalization {kind!r}")
    return kind


def near(result, meant):
    """Compares within the rounding errors of sums over a row."""
    return close(result, meant, 1e-6, 1e-9 * max(1, np.abs(meant).max()))


def laplacian(rng, _):
    arguments = {"adjacency": matrix(rng)}
    if rng.random() < 0.7:
        arguments["normalization"] = rng.choice(("sym", "rw", None, "none"))

    def expected(adjacency, normalization="sym"):
        return normalised(square(adjacency), checked_kind(normalization))

    return call_of(graphs.laplacian, spoil(rng, arguments, rng.choice(FAULTS)), expected, near)


def scaled_laplacian(rng, _):
    arguments = {"adjacency": matrix(rng, symmetric=rng.random() < 0.8)}
    if rng.random() < 0.5:
        arguments["normalization"] = rng.choice(("sym", "rw", None))
    if rng.random() < 0.4:
        arguments["lambda_max"] = rng.choice((2.0, 2, 1.5, np.float32(3), None))

    def expected(adjacency, normalization="sym", lambda_max=None):
        found = square(adjacency)
        operator = normalised(found, checked_kind(normalization))
        if lambda_max is None:
            largest = np.linalg.eigvals(normalised(symmetric(found), normalization)).real.max()
        else:
            largest = number(lambda_max)
        if largest <= 1e-12 * (found.max() if normalization is None else 1):
            raise Refused(f"a largest eigenvalue of {largest}")
        return 2 * operator / largest - np.eye(len(found))

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.scaled_laplacian, arguments, expected, near)


def renormalized_adjacency(rng, _):
    def expected(adjacency):
        found = square(adjacency)
        found = found + np.diag((found.diagonal() == 0) * 1.0)
        root = found.sum(axis=1) ** -0.5
        return root[:, None] * found * root

    arguments = spoil(rng, {"adjacency": matrix(rng)}, rng.choice(FAULTS))
    return call_of(graphs.renormalized_adjacency, arguments, expected, near)


def chebyshev_polynomials(rng, _):
    operator = matrix(rng)
    if rng.random() < 0.7:
        operator = np.array([[rng.uniform(-1, 1) for _ in range(5)] for _ in range(5)])
    arguments = {"operator": operator, "K": rng.randint(1, 6)}

    def expected(operator, K):
        found = square(operator, negative=True)
        terms = []
        for k in range(number(K, 1, whole=True)):
            powers = np.polynomial.chebyshev.cheb2poly([0] * k + [1])
            terms.append(sum(c * np.linalg.matrix_power(found, i) for i, c in enumerate(powers)))
        return np.stack(terms)

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.chebyshev_polynomials, arguments, expected, near)


def fourier_basis(rng, _):
    def expected(adjacency):
        return normalised(symmetric(square(adjacency)), "sym")

    def compare(result, meant):
        (values, vectors), nodes = result, len(meant)
        if vectors.shape != meant.shape or (np.diff(values) < 0).any():
            return "other shapes, or frequencies that do not rise"
        if values.min() < 0 or values.max() > 2 or values.shape != (nodes,):
            return f"eigenvalues {values}"
        largest = np.abs(vectors).max(axis=0)
        if (vectors.max(axis=0) < largest * (1 - 1e-5)).any():
            return "a column whose largest entry is negative"
        return close(vectors.T @ vectors, np.eye(nodes), 0, 1e-9) or close(
            (vectors * values) @ vectors.T, meant, 0, 1e-6
        )

    arguments = {"adjacency": matrix(rng, symmetric=rng.random() < 0.9)}
    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.fourier_basis, arguments, expected, compare)


def coarsen(rng, _):
    nodes = rng.randint(2, 20)
    arguments = {"adjacency": matrix(rng, nodes, rng.random() < 0.9), "levels": rng.randint(1, 2)}
    if rng.random() < 0.5:
        arguments["pool_size"] = rng.choice((2, 2, 4, 8, 3, 1))

    def expected(adjacency, levels, pool_size=2):
        number(levels, 1, whole=True)
        if number(pool_size, 2, whole=True) & (pool_size - 1):
            raise Refused(f"pool_size={pool_size}")
        return symmetric(square(adjacency)), levels, pool_size

    def compare(result, meant):
        fine, levels, pool_size = meant
        if (len(result.adjacencies), len(result.clusters)) != (levels + 1, levels):
            return "another number of levels"
        fault = close(result.adjacencies[0], fine)
        for found, clusters in zip(result.adjacencies[1:], result.clusters, strict=True):
            members = [set(row) for row in clusters.tolist()]
            if clusters.shape[1] != pool_size or sorted(n for c in members for n in c) != list(
                range(len(fine))
            ):
                return "clusters that are no parts of the nodes"
            sums = [[sum(fine[i, j] for i in a for j in b) for b in members] for a in members]
            coarse = np.array(sums) * (1 - np.eye(len(members)))
            fault = fault or close(found, coarse, 1e-6, 1e-12 * max(1, coarse.max()))
            fine = coarse
        return fault

    return call_of(graphs.coarsen, spoil(rng, arguments, rng.choice(FAULTS)), expected, compare)


def partition(rng, _):
    graph = matrix(rng)
    if rng.random() < 0.3:
        signs = np.random.default_rng(rng.getrandbits(60)).choice([-1.0, 1.0], graph.shape)
        graph = graph * signs
    arguments = {"graph": graph, "num_parts": rng.randint(1, graph.shape[0])}
    arguments["hops"] = rng.randint(0, 4)

    def expected(graph, num_parts, hops):
        found = square(graph, negative=True)
        if number(num_parts, 1, whole=True) > len(found):
            raise Refused(f"num_parts={num_parts}")
        return found, num_parts, number(hops, 0, whole=True)

    def compare(result, meant):
        graph, num_parts, hops = meant
        weights = np.abs(graph / (np.abs(graph).max() or 1)) * (1 - np.eye(len(graph)))
        edges = (graph != 0) & ~np.eye(len(graph), dtype=bool)
        far = csgraph.shortest_path(edges, unweighted=True)
        members = [set(inner.tolist()) for inner in result.inner]
        if sorted(node for inner in members for node in inner) != list(range(len(graph))):
            return "parts that do not have each node once"
        sizes = [len(inner) for inner in members]
        if len(sizes) != num_parts or max(sizes) - min(sizes) > 1:
            return f"parts of {sizes} nodes"
        cut = edges.copy()
        for inner, halo in zip(result.inner, result.halo, strict=True):
            near = set(np.flatnonzero(far[inner].min(axis=0) <= float(hops)).tolist())
            if sorted(near - set(inner.tolist())) != halo.tolist() or halo.dtype != np.int64:
                return f"halo {halo} of {inner}"
            cut[np.ix_(inner, inner)] = False
        if result.cut_edges != cut.sum():
            return f"{result.cut_edges} cut edges instead of {cut.sum()}"
        return close(result.cut_share, weights[cut].sum() / max(weights.sum(), 1e-300))

    return call_of(graphs.partition, spoil(rng, arguments, rng.choice(FAULTS)), expected, compare)


def stored_entries(rng, _):
    features = matrix(rng)
    arguments = {"matrix": features if sp.issparse(features) else sp.csr_array(features)}
    if rng.random() < 0.5:
        arguments["matrix"] = rng.choice((sp.coo_array, sp.csc_array, sp.lil_array, sp.dok_array))(
            arguments["matrix"]
        )

    def expected(matrix):
        if not sp.issparse(matrix):
            raise Refused("a dense matrix")
        return numbers(matrix, 2)

    def compare(result, meant):
        found = np.zeros(meant.shape)
        np.add.at(found, tuple(result["index"][0]), result["value"][0])
        kinds = result["index"].dtype, result["value"].dtype
        return None if kinds == ("int32", "float32") else f"{kinds}" or close(found, meant, 1e-6)

    arguments = spoil(rng, arguments, rng.choice((0, 0, 1)))
    return call_of(graphs.stored_entries, arguments, expected, compare)


TARGETS = (
    *(laplacian, scaled_laplacian, renormalized_adjacency, chebyshev_polynomials, fourier_basis),
    *(coarsen, partition, stored_entries),
)
