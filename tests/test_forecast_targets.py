"""Forecasters of several targets, each with units and numbers of its own."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import once

from stgkeras import datasets
from stgkeras.cli import words
from stgkeras.forecasting import Forecaster, fitting, training
from stgkeras.forecasting.form import Form

SMALL = {"units": 4, "num_blocks": 1, "node_units": 2, "adaptive_units": 2, "K": 2}
PAIR = np.array([[0, 1.0], [1, 0]])
ROWS = ["forecaster", "model", "last value", "usual day", "ridge", "ridge without season"]


def frames(days=12):
    """Speeds that repeat each day, and flows that walk."""
    times = pd.date_range("2024-10-20", periods=days * 24, freq="h")
    rng = np.random.default_rng(0)
    wave = 10 * np.sin(2 * np.pi * times.hour.to_numpy()[:, None] / 24)
    speed = 50 + wave + rng.normal(0, 0.1, (len(times), 2))
    flow = 5e4 + np.cumsum(rng.normal(0, 300, (len(times), 2)), axis=0)
    return {n: pd.DataFrame(v, times, ["A", "B"]) for n, v in (("speed", speed), ("flow", flow))}


def series_of(tables, **units):
    return datasets.from_pandas(tables, PAIR, units={"speed": "km/h", "flow": "1/h"})


@pytest.fixture(scope="module")
def fitted():
    forecaster = Forecaster("GraphSTID", horizon=4, **SMALL)
    forecaster.fit(series_of(frames()), epochs=1, verbose=0)
    return forecaster


def test_each_target_has_errors_of_its_own(fitted, tmp_path):
    table = fitted.evaluate()
    assert list(table.index) == [(target, row) for target in ("speed", "flow") for row in ROWS]
    assert table.index.names == ["target", "forecast"]
    split = datasets.split_windows(288, 12, 4)
    for target in ("speed", "flow"):
        values = frames()[target].to_numpy("float32")
        ahead = values[split.test[:, None] + 12 + np.arange(4)]
        wrong = ahead - values[split.test + 11][:, None]
        row = table.loc[target].loc["last value"]
        assert row["MAE mean"] == pytest.approx(np.abs(wrong).mean(), rel=1e-5)
        assert row["RMSE 240 min"] == pytest.approx(np.sqrt((wrong[:, 3] ** 2).mean()), rel=1e-5)
    fitted.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    pd.testing.assert_frame_equal(opened.errors, table)
    record = json.loads((tmp_path / "city" / "forecaster.json").read_text())
    assert record["errors"]["index"][0] == ["speed", "forecaster"]


def test_the_console_prints_a_table_for_each_target_in_its_units(fitted):
    table = fitted.evaluate()
    text = words.errors_text(table, ["km/h", "1/h"], "the end")
    speed, flow = text.split("Errors of flow in 1/h over the end:\n")
    assert speed.startswith("Errors of speed in km/h over the end:\n")
    for part, target in ((speed, "speed"), (flow, "flow")):
        line = next(line for line in part.splitlines() if line.startswith("usual day"))
        expected = table.loc[(target, "usual day")]
        found = [float(number) for number in line.removeprefix("usual day").split()]
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert words.errors_text(table, ["", ""], "x").startswith("Errors of speed over x:\n")
    text = words.errors_text(table.loc["speed"], ["km/h"], "x")
    assert text.startswith("Errors in km/h over x:\n") and "flow" not in text


def parts(factor):
    """The form, the series and the parts of a fit, with flows that are `factor` times as large."""
    tables = frames()
    tables["flow"] *= factor
    series = series_of(tables)
    split = training.split_series(series, 12, 4, 0.2, 0.2)
    form = Form.of(series, None, 12, 4, 160)
    both = [fitting.fit_baselines(form, series, split, season) for season in (True, False)]
    return form, series, split, both


@once
def test_scales_are_standard_deviations_of_the_training_readings():
    form, series, split, _ = parts(1)
    known = split.train[-1] + 16
    expected = [frames()[name][:known].to_numpy().std() for name in ("speed", "flow")]
    found = fitting.target_scales(form, series, split)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


class Model:
    """A model that forecasts the flow well, and the speed far off."""

    season, past_calendar = None, False

    def __init__(self, truth, scale):
        self.forecast = truth + [9.0, 0.1 * scale]

    def predict(self, data, verbose):
        return self.forecast


class Baseline(Model):
    """A baseline that forecasts the speed well, and the flow not so well."""

    def __init__(self, truth, scale):
        self.forecast = truth + [0.1, 2.0 * scale]

    def forecasts(self, past, calendar, names=()):
        return {"ridge": self.forecast}


@once
@pytest.mark.parametrize("factor", [2.0**-8, 1, 2.0**8])
def test_weights_do_not_hang_on_the_size_of_a_target(factor):
    """In standard deviations (1 and `factor`), the errors are 9.1 of the model, 2.1 of the other.

    Without scales, the flow decides alone if its numbers are large, and the model has the weight.
    """
    values = np.random.default_rng(0).normal(0, [1.0, factor], (300, 2, 2))
    series = datasets.from_arrays(values, features=["speed", "flow"], interval=60)
    split = training.split_series(series, 12, 4, 0.2, 0.2)
    form = Form.of(series, None, 12, 4, 160)
    starts = training.thinned(split.val, fitting.MOST)
    _, truth, _ = training.past_and_truth(form, series, starts)
    both = Model(truth, factor), Baseline(truth, factor)
    weights = fitting.weigh(form, series, split, False, *both, None).weights
    assert (weights["ridge"] > 0.8).all()


@once
@pytest.mark.parametrize("factor", [2.0**-8, 1, 2.0**8])
def test_the_season_does_not_hang_on_the_size_of_a_target(factor, monkeypatch):
    """A season that helps the speed much, and is a little worse for the flow."""
    form, series, split, both = parts(factor)
    starts = training.thinned(split.val, fitting.MOST)
    _, truth, _ = training.past_and_truth(form, series, starts)
    scale = np.array([7, 1000 * factor])  # about the standard deviations
    for one, error in zip(both, ([1.0, 2.0], [9.0, 1.0]), strict=True):
        found = {"ridge": truth + scale * error}
        monkeypatch.setattr(type(one), "forecasts", lambda self, *_: self.own)
        object.__setattr__(one, "own", found)
    assert fitting.season_helps(form, series, split, *both)
