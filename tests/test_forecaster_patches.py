"""PatchSTG as the model of a forecaster, which takes the places of its sensors from the series."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import once
from test_forecaster import NAMES, city, series_of

from stgkeras import cli, datasets
from stgkeras.forecasting import Forecaster

SMALL = {"input_units": 4, "day_units": 2, "week_units": 2, "node_units": 2, "num_blocks": 1}
PLACES = pd.DataFrame(
    {"sensor": NAMES, "latitude": [48.2, 48.3, 48.1, 48.4], "longitude": [16.3, 16.5, 16.4, 16.2]}
)


def placed(names=NAMES, frame=None):
    speeds = city()["speed"] if frame is None else frame
    rows = PLACES[PLACES["sensor"].isin(names)]
    return datasets.from_pandas(speeds[list(names)], rows, units="u")


@pytest.fixture(scope="module")
def fitted():
    forecaster = Forecaster("PatchSTG", horizon=3, **SMALL)
    forecaster.fit(placed(), epochs=2, verbose=0)
    return forecaster


def test_the_forecaster_knows_the_patches_in_its_folder(fitted, tmp_path):
    assert fitted.graph_summary() == {} and fitted.model.steps_per_day == 24
    found = fitted.forecast(placed()).values
    fitted.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    assert "places" not in opened.model_arguments and opened.model_arguments["num_blocks"] == 1
    np.testing.assert_array_equal(opened.model.patches.nodes, fitted.model.patches.nodes)
    np.testing.assert_allclose(opened.forecast(series_of(city()["speed"])).values, found, rtol=1e-4)


@once
def test_patches_are_those_of_the_places(fitted):
    nodes, slots = fitted.model.patches
    assert nodes.reshape(2, 2).tolist() == [[0, 2], [1, 3]] and slots.tolist() == [0, 2, 1, 3]
    given = Forecaster("PatchSTG", horizon=3, graph=PLACES[::-1], **SMALL)
    given.fit(series_of(city()["speed"]), epochs=1, verbose=0)
    np.testing.assert_array_equal(given.model.patches.nodes, nodes)
    array = PLACES[["latitude", "longitude"]].to_numpy()
    roadless = dataclasses.replace(placed(), adjacency=None, places=None)
    given = Forecaster("PatchSTG", horizon=3, places=array, **SMALL)
    given.fit(roadless, epochs=1, verbose=0)
    np.testing.assert_array_equal(given.model.patches.nodes, nodes)
    with pytest.raises(ValueError, match="`graph` must hold the `places` of the sensors.*=None"):
        Forecaster("PatchSTG", horizon=3, **SMALL).fit(roadless, verbose=0)


@once
def test_other_sensors_start_with_the_weights_that_are_known(fitted):
    """One sensor less, then one more: their patches are new, all other weights are carried."""
    names = ("C", "A", "B")
    fewer = Forecaster("PatchSTG", horizon=3)
    fewer.fit(placed(names), initial=fitted, epochs=0, verbose=0)
    order = [NAMES.index(name) for name in names]

    def vectors(forecaster):
        return np.asarray(forecaster.model.get_layer("node_embedding").get_weights()[0])

    np.testing.assert_allclose(vectors(fewer), vectors(fitted)[order], rtol=1e-6)
    again = Forecaster("PatchSTG", horizon=3, num_patches=1)
    again.fit(placed(), initial=fewer, epochs=1, verbose=0)
    assert np.isfinite(again.forecast(placed()).values).all()
    with pytest.raises(ValueError, match="`num_blocks` must be 1, as in `initial`"):
        Forecaster("PatchSTG", horizon=3, num_blocks=2).fit(placed(), initial=fitted, verbose=0)


@once
def test_a_backtest_keeps_its_places(tmp_path):
    forecaster = Forecaster("PatchSTG", horizon=3, quantiles=(0.1, 0.5, 0.9), **SMALL)
    options = {"start": 0.7, "stride": 24, "epochs": 1, "verbose": False, "folder": tmp_path}
    found = forecaster.backtest(placed(), **options)
    assert np.isfinite(found.quantiles).all() and len(list(tmp_path.iterdir())) == 1
    array = PLACES[["latitude", "longitude"]].to_numpy()
    for turned in (array, array[::-1]):
        forecaster = Forecaster("PatchSTG", horizon=3, places=turned, **SMALL)
        forecaster.backtest(placed(), **options)
    assert len(list(tmp_path.iterdir())) == 3


@once
def test_the_commands_train_on_a_file_of_places(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = city()["speed"].tz_localize(None)
    frame[~frame.index.duplicated()].to_csv("speeds.csv", index_label="time")
    PLACES.to_csv("places.csv", index=False)
    fit = ["fit", "speeds.csv", "--model=PatchSTG", "--horizon=3", "--mend", "--epochs=1"]
    fit += [f"--set={name}={value}" for name, value in SMALL.items()]
    fit += ["--null-value=nan"]
    assert cli.main([*fit, "--out=refused"]) == 2
    assert "ROADS must hold the `places` of the sensors" in capsys.readouterr().err
    assert cli.main([fit[0], fit[1], "places.csv", *fit[2:], "--out=city"]) == 0
    assert cli.main(["forecast", "city", "speeds.csv", "--mend"]) == 0
