"""Classifiers built from an adjacency, and their filters as matrices."""

import numpy as np
import pytest
import scipy.sparse

from stgkeras import graphs, models


def test_filters_of_the_first_convolution_leave_out_bias_and_relu():
    ring = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)
    model = models.ChebNet.from_adjacency(ring, filters=(4, 6), num_classes=3, K=3, num_features=2)
    layer, graph = model.get_layer("convolution_1"), model.graph[0]
    np.testing.assert_allclose(graph, graphs.scaled_laplacian(ring), atol=1e-6)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - 100])
    for feature in (0, 1):
        expected = graphs.chebyshev_polynomials(graph, 3), kernel[:, feature]
        found = model.filter_matrices(feature)
        np.testing.assert_allclose(found, np.einsum("knm,kf->fnm", *expected), atol=1e-5)
    with pytest.raises(ValueError, match="`feature` must be below .* 2. Received: feature=2"):
        model.filter_matrices(2)


def test_filters_of_spectral_networks_and_sparse_graphs():
    path = np.eye(6, k=1) + np.eye(6, k=-1)
    scnn = models.SpectralCNN.from_adjacency(path, filters=(3,), num_classes=2)
    basis, kernel = graphs.fourier_basis(path)[1], scnn.get_layer("convolution_1").get_weights()[0]
    expected = np.einsum("nk,kf,mk->fnm", basis, kernel[:, 0], basis)
    np.testing.assert_allclose(scnn.filter_matrices(), expected, atol=1e-5)
    graph = scipy.sparse.csr_array(graphs.renormalized_adjacency(path))
    gcn = models.GCN(6, graph=graph, num_classes=2)
    kernel = gcn.get_layer("convolution_1").get_weights()[0]
    expected = graph.toarray() * kernel[0][:, None, None]
    np.testing.assert_allclose(gcn.filter_matrices(), expected, atol=1e-6)


def test_a_model_from_an_adjacency_pools_the_clusters_of_coarsen():
    ring = scipy.sparse.csr_array(np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1))
    for cls, operator in (
        (models.GCN, graphs.renormalized_adjacency),
        (models.ChebNet, graphs.laplacian),
    ):
        options = {"operator": operator} if cls is models.ChebNet else {}
        model = cls.from_adjacency(ring, filters=(2, 3), num_classes=4, pool_size=2, **options)
        coarse = graphs.coarsen(ring, 2)
        for found, expected in zip(model.clusters, coarse.clusters, strict=True):
            np.testing.assert_array_equal(found, expected)
        for found, matrix in zip(model.graph, coarse.adjacencies, strict=False):
            np.testing.assert_allclose(found.toarray(), operator(matrix).toarray(), atol=1e-6)
        assert model.classify == "signals" and model.filters == (2, 3)
    with pytest.raises(ValueError, match="`filters` must be a sequence"):
        models.GCN.from_adjacency(ring, filters=3, num_classes=4)


def test_from_adjacency_names_the_bad_argument():
    ring = np.roll(np.eye(4), 1, axis=0) + np.roll(np.eye(4), -1, axis=0)
    with pytest.raises(TypeError, match="`operator` must be None or a function .* operator=5"):
        models.GCN.from_adjacency(ring, filters=(2,), num_classes=3, operator=5)
    for filters in ((), (2, 2, 2)):
        with pytest.raises(ValueError, match="`filters` must have as many entries as levels"):
            models.ChebNet.from_adjacency(ring, filters=filters, num_classes=3)
