"""Distances between places on the earth."""

import numpy as np
import pandas as pd
import pytest
from graph_cases import data_file

from stgkeras.graphs import distances_km, gaussian_kernel


def test_distances_km():
    quarter = np.pi / 2 * 6371.0088
    found = distances_km([0, 0, 90, -90, 0], [0, 90, 17, 0, 180])
    expected = quarter * np.array(
        [[0, 1, 1, 1, 2], [1, 0, 1, 1, 1], [1, 1, 0, 2, 1], [1, 1, 2, 0, 1], [2, 1, 1, 1, 0]]
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(distances_km([10, 10.5], [7, 7])[0, 1], quarter / 180, rtol=1e-9)
    thin = distances_km([60, 60], [179.75, -179.75])[0, 1]  # over the date line, at cos 60° = 1/2
    np.testing.assert_allclose(thin, quarter / 360, rtol=1e-5)


@pytest.mark.parametrize(
    ("latitude", "longitude", "message"),
    [
        (
            [34.0, -118.3],
            [-118.3, 34.0],
            "`latitude` must be in degrees from -90 to 90.*-118.3",
        ),
        ([0.0], [181.0], "must be in degrees from -180 to 180. .*longitude .* 181.0"),
        ([0.0, 1.0], [2.0], r"must have equal lengths. .*len\(latitude\)=2, .*=1"),
        ([[0.0]], [[2.0]], r"`latitude` must have shape \(nodes,\).*\(1, 1\)"),
        ([np.nan], [0.0], "`latitude` must be finite"),
    ],
)
def test_bad_places(latitude, longitude, message):
    with pytest.raises(ValueError, match=message):
        distances_km(latitude, longitude)


def test_real_places_give_a_graph_like_that_of_the_roads():
    table = pd.read_csv(data_file("metr_la", "sensor_locations_207.csv"))
    roads = np.load(data_file("metr_la", "metr_la_adj207.npz"))["adj"]
    near = gaussian_kernel(distances_km(table.latitude, table.longitude), sigma2=2.0, epsilon=0.5)
    linked = np.maximum(roads, roads.T) > 0
    assert linked[near > 0].mean() > 0.75 > 10 * linked.mean()
