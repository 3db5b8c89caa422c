"""Graph WaveNet as the model of a forecaster: random walks both ways on directed roads."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import once
from test_forecaster import city, series_of

from stgkeras import cli, graphs, reports
from stgkeras.forecasting import Forecaster

SMALL = {"residual_filters": 3, "dilation_filters": 4, "skip_filters": 5, "end_filters": 6}
SMALL |= {"num_blocks": 1, "adaptive_units": 2}


@pytest.fixture(scope="module")
def series():
    found = series_of({"speed": city()["speed"]})
    return dataclasses.replace(found, adjacency=np.tril(found.adjacency) + 0.1 * found.adjacency)


def test_it_is_trained_saved_and_continued(series, tmp_path):
    forecaster = Forecaster("GraphWaveNet", horizon=3, season=True, **SMALL)
    forecaster.fit(series, epochs=1, verbose=0)
    expected = [graphs.random_walk(one) for one in (series.adjacency, series.adjacency.T)]
    for ours, theirs in zip(forecaster.model.graph, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert np.abs(expected[0] - expected[1].T).max() > 0.1
    found = forecaster.forecast(series).values
    forecaster.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    np.testing.assert_allclose(opened.forecast(series).values, found, rtol=1e-4)
    assert not {"graph", "num_graphs"} & set(opened.model_arguments)
    again = Forecaster("GraphWaveNet", horizon=3)
    again.fit(series, initial=opened, epochs=0, verbose=0)
    for ours, theirs in zip(again.model.get_weights(), opened.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@once
def test_its_graph_is_counted_drawn_and_kept(series):
    forecaster = Forecaster("GraphWaveNet", horizon=3, season=False, **SMALL)
    forecaster.fit(series, epochs=1, verbose=0)
    edges = series.adjacency != 0
    np.fill_diagonal(edges, False)
    assert forecaster.graph_summary()["edges"] == int(np.triu(edges | edges.T).sum())
    drawn = reports.graph_of(forecaster.model)
    assert not drawn.diagonal().any()
    np.testing.assert_array_equal(drawn != 0, edges | edges.T)
    roadless = dataclasses.replace(series, adjacency=None)
    options = {"start": len(series.values) - 8, "stride": 4, "refit": 4, "epochs": 1}
    backtest = forecaster.backtest(roadless, **options, verbose=0)
    assert len(backtest.by_origin())


@once
def test_the_commands_train_it(series, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = city()["speed"].tz_localize(None)
    frame[~frame.index.duplicated()].to_csv("speeds.csv", index_label="time")
    roads = pd.DataFrame(series.adjacency, index=series.names, columns=series.names)
    roads.to_csv("roads.csv")
    fit = ["fit", "speeds.csv", "roads.csv", "--model=GraphWaveNet", "--horizon=3", "--mend"]
    fit += ["--epochs=1", *(f"--set={name}={value}" for name, value in SMALL.items())]
    assert cli.main([*fit, "--null-value=nan", "--out=city"]) == 0
    assert cli.main(["report", "city", "speeds.csv", "--mend"]) == 0
    assert cli.main([*fit, "--out=other", "--set=num_graphs=1"]) == 2
    assert "--set must name arguments of GraphWaveNet" in capsys.readouterr().err
