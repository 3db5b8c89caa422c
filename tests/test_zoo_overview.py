"""The list of forecasters, and what a model takes from a series."""

import pathlib

import numpy as np
import pandas as pd
import pytest
from conftest import once
from keras import ops

from stgkeras import datasets, forecasting, graphs, layers, models
from stgkeras.models.forecaster import Forecaster

ROOT = pathlib.Path(__file__).parent.parent
ROADS = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
TIMES = pd.date_range("2024-05-01", periods=96, freq="15min")


def series(**arguments):
    speeds = pd.DataFrame(np.ones((len(TIMES), 3)), TIMES, ["A", "B", "C"])
    return datasets.from_pandas(speeds, ROADS, **arguments)


@once
def test_all_forecasters_are_listed():
    """The counts of STID, STAEformer, Graph WaveNet and FaST are those of the authors' code,
    without the weights that do nothing; Graph WaveNet reads one feature here, and theirs two."""
    found = models.forecasters(170)
    classes = {
        name
        for name in models.__all__
        if isinstance(kind := getattr(models, name), type) and issubclass(kind, Forecaster)
    }
    assert set(found) == classes
    counts = {"STID": 116_684, "STAEformer": 1_223_460, "GraphWaveNet": 292_916, "FaST": 416_268}
    assert {name: found[name]["parameters"] for name in counts} == counts
    page = (ROOT / "docs" / "reference" / "models.md").read_text("utf-8")
    assert [name for name in found if f"{found[name]['parameters']:,}" not in page] == []
    assert found["PatchSTG"]["reads"] == ("calendar", "places")
    assert all(one["cost"] and one["source"] for one in found.values())
    with pytest.raises(ValueError, match="`num_nodes` must be an integer of at least 1"):
        models.forecasters(0)


@once
def test_arguments_of_a_series():
    of_series = forecasting.series_arguments
    assert of_series("STID", series()) == {"steps_per_day": 96}
    walks = of_series("GraphWaveNet", series())["graph"]
    np.testing.assert_allclose(walks[0], graphs.random_walk(ROADS))
    np.testing.assert_allclose(walks[1], graphs.random_walk(ROADS.T))
    operator = of_series(models.STGCN, series())["graph"]
    np.testing.assert_allclose(operator, graphs.scaled_laplacian(np.maximum(ROADS, ROADS.T)))
    with pytest.raises(ValueError, match="`graph` must hold the `places`"):
        of_series("PatchSTG", series())
    with pytest.raises(TypeError, match="`series` must be a Series. Received: .* DataFrame"):
        of_series("STID", pd.DataFrame(np.ones((96, 3)), TIMES))
    undated = datasets.from_arrays(np.ones((9, 3)), interval=15)
    with pytest.raises(ValueError, match="timestamps=False"):
        of_series("STID", undated)
    with pytest.raises(ValueError, match="`graph` must be given"):
        of_series("STGCN", undated)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_tells_all_steps_of_a_day_apart(dtype):
    """8 bits of precision are too few for the 288 times of day."""
    layer = layers.CalendarEmbedding(288, 1, 0, dtype=dtype)
    calendar = np.stack([np.arange(288) / 288, np.zeros(288)], axis=1).astype("float32")
    layer.build(calendar.shape)
    layer.day_embeddings.assign(np.arange(288.0)[:, None] % 32)
    found = ops.convert_to_numpy(ops.cast(layer(calendar), "float32"))[:, 0]
    np.testing.assert_array_equal(found, np.arange(288) % 32)
