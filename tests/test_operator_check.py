"""Models refuse an adjacency or distances as `graph`, and no operator."""

import warnings

import hypothesis.strategies as st
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from conftest import once
from graph_cases import DIRECTED, ISOLATED, LOOP, PATH, STAR, adjacencies, data_file, quick
from hypothesis import given

from stgkeras import graphs, models
from stgkeras.models.operator_check import check_operator

CHEB, GCN, BASIS = {"K": 3}, {}, {"num_frequencies": None}


def quiet(graph, arguments=CHEB):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in (np.asarray, lambda a: np.asarray(a, "float32"), sp.csr_array):
            check_operator(form(graph), arguments)


@once
@quick
@given(adjacencies(), st.floats(0.5, 3), st.sampled_from(["sym", "rw", None]))
def test_no_operator_of_the_library_is_refused(adjacency, lambda_max, normalization):
    for arguments in (CHEB, GCN):
        for matrix in (adjacency, np.maximum(adjacency, adjacency.T)):
            quiet(graphs.scaled_laplacian(matrix, normalization, lambda_max), arguments)
            quiet(graphs.laplacian(matrix, normalization), arguments)
            quiet(graphs.renormalized_adjacency(matrix), arguments)
            degree = matrix.sum(axis=1, keepdims=True)
            quiet(np.divide(matrix, degree, out=np.zeros_like(matrix), where=degree > 0), arguments)


@once
@pytest.mark.parametrize("adjacency", [PATH, STAR, ISOLATED, DIRECTED, LOOP])
def test_no_other_normalisation_is_refused(adjacency):
    quiet(graphs.renormalized_adjacency(adjacency))
    both = np.maximum(adjacency, adjacency.T)
    np.fill_diagonal(both, 0)
    scaled = np.eye(len(both)) - graphs.laplacian(both)
    np.fill_diagonal(scaled, 0)  # 1 for isolated nodes
    quiet(scaled)
    with pytest.warns(UserWarning, match="may be an adjacency"):  # eigenvalues up to 2
        check_operator(np.eye(len(both)) + scaled, GCN)
    quiet(np.linalg.matrix_power(scaled, 2))


@once
def test_operators_of_real_graphs():
    with np.load(data_file("metr_la", "metr_la_adj207.npz")) as file:
        adjacency = file["adj"].astype(float)
    quiet(graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T)))
    quiet(graphs.scaled_laplacian(adjacency, lambda_max=2.0))
    quiet(graphs.renormalized_adjacency(adjacency))
    quiet(adjacency / adjacency.sum(axis=1, keepdims=True))
    with pytest.warns(UserWarning, match="may be an adjacency"):
        check_operator(adjacency, CHEB)  # with self loops
    np.fill_diagonal(adjacency, 0)
    with pytest.raises(ValueError, match="which is an adjacency or distances"):
        check_operator(adjacency, CHEB)


RING = nx.to_numpy_array(nx.cycle_graph(6))
DISTANCES = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0)))


@once
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, lambda a: a.astype("int8"), np.float32])
@pytest.mark.parametrize("adjacency", [RING, DISTANCES, nx.to_numpy_array(nx.star_graph(5))])
def test_adjacencies_and_distances_are_refused(adjacency, form):
    largest = f"{np.linalg.eigvalsh(adjacency)[-1]:.3g}"
    message = (
        rf"`graph` must be a graph operator. .* eigenvalue of at least {largest}, .*"
        r"Pass `graph=stgkeras.graphs.%s\(A\)`"
    )
    with pytest.raises(ValueError, match=message % "scaled_laplacian"):
        check_operator(form(adjacency), {"K": 2, "graph_conv": "cheb"})
    with pytest.raises(ValueError, match=message % "renormalized_adjacency"):
        check_operator(form(adjacency), {"K": 2, "graph_conv": "gcn"})
    check_operator(form(adjacency), {"K": 1})  # K = 1 ignores the graph


@once
def test_adjacencies_that_might_be_operators_cause_a_warning():
    for adjacency in (DIRECTED / 10, np.eye(6, k=1) + np.eye(6, k=2), 0.3 * RING, RING + np.eye(6)):
        with pytest.warns(UserWarning, match=r"may be an adjacency instead of a graph operator"):
            check_operator(adjacency, CHEB)


@once
def test_a_basis():
    quiet(graphs.fourier_basis(RING)[1], BASIS)
    quiet(np.eye(6)[::-1], BASIS)
    with pytest.raises(ValueError, match=r"Fourier basis, .*fourier_basis\(A\)\[1\]"):
        check_operator(RING, BASIS)


def test_models_check_their_graph():
    sizes = {"num_classes": 2, "filters": (2,)}
    levels = {"clusters": graphs.coarsen(RING, 1).clusters, "K": 3}
    for create in (
        lambda graph: models.STGCN(6, graph=graph),
        lambda graph: models.ASTGCN(6, graph=graph),
        lambda graph: models.ASTGCN(6, graph=graph, input_length={"recent": 3, "daily": 3}),
        lambda graph: models.GraphSTID(6, graph=graph),
        lambda graph: models.GCN(6, graph=graph, **sizes),
        lambda graph: models.SpectralCNN(6, graph=graph, **sizes),
        lambda graph: models.ChebNet(6, graph=[graph], **levels, **sizes),
    ):
        with pytest.raises(ValueError, match="`graph` must be a (graph operator|Fourier basis)"):
            create(RING)
    model = models.GraphSTID(6, K=2)
    with pytest.raises(ValueError, match="`graph` must be a graph operator"):
        model.graph = DISTANCES
    with pytest.raises(ValueError, match="NaN or infinite"):
        model.graph = np.where(DISTANCES > 2, np.inf, DISTANCES)
    model.graph = graphs.scaled_laplacian(RING)
