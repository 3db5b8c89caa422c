"""Backtests: no look ahead, the right steps, and the test of Diebold and Mariano by hand."""

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import once
from scipy import stats
from test_forecaster import SMALL, series_of

from stgkeras import datasets, losses
from stgkeras.forecasting import Backtest, Forecaster, compare
from stgkeras.metrics import diebold_mariano

FIT = {"epochs": 1, "verbose": False}


def speeds(days=12, nodes=4):
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-05-01", periods=days * 24, freq="h", tz="Europe/Vienna")
    wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
    values = wave[:, None] + rng.normal(size=(len(times), nodes))
    return pd.DataFrame(values, times, list("ABCD"[:nodes]))


@pytest.fixture(scope="module")
def tested():
    """A backtest of 288 steps from step 144 on, trained again every two days."""
    forecaster = Forecaster(horizon=3, **SMALL)
    return forecaster.backtest(
        series_of({"speed": speeds()}), stride=6, refit="every 2 days", **FIT
    )


@once
def test_origins_readings_and_trainings(tested):
    origins = np.arange(144, 286, 6)
    frame = speeds()
    assert tested.origins.tolist() == frame.index[origins].tolist()
    ahead = origins[:, None] + np.arange(3)
    np.testing.assert_allclose(tested.truth[..., 0], frame.to_numpy("float32")[ahead])
    assert tested.fitted.tolist() == [144] * 8 + [192] * 8 + [240] * 8
    last = np.repeat(frame.to_numpy("float32")[origins - 1][:, None], 3, axis=1)
    np.testing.assert_allclose(tested.forecasts["last value"][..., 0], last)


@once
def test_tables_by_origin_and_by_step(tested):
    by_origin, by_step = tested.by_origin(), tested.by_step()
    error = np.abs(tested.forecasts["ridge"] - tested.truth)
    np.testing.assert_allclose(by_origin["ridge"], error.mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(by_step["ridge"], error.mean(axis=(0, 2, 3)))
    assert by_origin.index.equals(tested.origins) and by_step.index.tolist() == [1, 2, 3]
    assert by_origin.columns[0] == "forecaster" and by_step["forecaster"].mean() < 3


@once
def test_the_future_changes_no_forecast():
    """Readings from step 200 on are larger by 1000: no forecast from an origin before changes."""
    forecaster = Forecaster(horizon=3, **SMALL)
    found = []
    for more in (0, 1000):
        frame = speeds()
        frame.iloc[200:] += more
        options = {"stride": 8, "refit": 40, "window": 130, **FIT}
        found.append(forecaster.backtest(series_of({"speed": frame}), **options))
    before = np.arange(144, 286, 8) <= 200
    for name in found[0].forecasts:
        one, two = (test.forecasts[name] for test in found)
        np.testing.assert_allclose(one[before], two[before], rtol=1e-5)
        assert (np.abs(one[~before] - two[~before]) > 1).any()


@once
def test_an_interrupted_backtest_goes_on(tmp_path, monkeypatch):
    series = series_of({"speed": speeds()})
    forecaster = Forecaster(horizon=3, **SMALL)
    options = {"stride": 12, "refit": 72, "folder": tmp_path / "runs", **FIT}
    whole = forecaster.backtest(series, **options)
    files = sorted((tmp_path / "runs").iterdir())
    assert len(files) == 2
    files[1].unlink()
    fits = []
    own = Forecaster.fit
    monkeypatch.setattr(Forecaster, "fit", lambda *a, **k: (fits.append(1), own(*a, **k))[1])
    again = forecaster.backtest(series, **options)
    assert len(fits) == 1
    for name, one in whole.forecasts.items():
        np.testing.assert_allclose(again.forecasts[name], one, rtol=1e-5)
    Forecaster(horizon=3, season=False, **SMALL).backtest(series, **options)
    assert len(fits) == 3  # other settings have files of their own
    assert forecaster._fitted is None


@once
def test_what_is_refused():
    series = series_of({"speed": speeds(8)})
    forecaster = Forecaster(horizon=3, **SMALL)
    for wrong, message in (
        ({"start": 191}, "`start` must leave at least 3 steps"),
        ({"start": 1.5}, "`start` must be at least 0 and below 1"),
        ({"start": 5}, "`start` must be an integer of at least 12"),
        ({"stride": 0}, "`stride` must be an integer"),
        ({"refit": "weekly"}, '`refit` must be "never", "every N days" or'),
        ({"window": 10}, "`window` must be an integer of at least 15"),
        (
            {"start": 20},
            "`start` and `window` must leave enough .* 20 steps, but the training",
        ),
        ({"window": 30}, "Received: 30 steps, but the training part .* Pass a larger `start`"),
        ({"folder": __file__}, "`folder` must be a folder or a new path"),
    ):
        with pytest.raises(ValueError, match=message):
            forecaster.backtest(series, **wrong)
    with pytest.raises(TypeError, match="`series` must be a Series. Received: series of type Data"):
        forecaster.backtest(speeds())


@once
def test_a_trained_forecaster_gives_its_graph_and_arguments():
    """A series without a graph, with the sensors in another order, has the same forecasts."""
    frame = speeds()
    series = series_of({"speed": frame})
    options = {"start": 200, "stride": 30, **FIT}
    forecaster = Forecaster(horizon=3, season=True, **SMALL)
    expected = forecaster.backtest(series, **options)
    forecaster.fit(series, epochs=1, verbose=0)
    turned = datasets.from_pandas({"speed": frame[list("DBCA")]})
    assert turned.adjacency is None
    found = forecaster.backtest(turned, **options)
    for name, one in expected.forecasts.items():
        np.testing.assert_allclose(found.forecasts[name], one, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.truth, expected.truth)
    assert "graph" not in forecaster.model_arguments
    with pytest.raises(ValueError, match="`graph` must be given, because the series has no graph"):
        Forecaster(horizon=3, **SMALL).backtest(turned, **options)


@once
def test_each_training_has_an_optimizer_of_its_own(tmp_path, monkeypatch):
    series = series_of({"speed": speeds()})
    forecaster = Forecaster(horizon=3, **SMALL)
    rates, own = [], Forecaster.fit

    def fit(self, *args, **options):
        own(self, *args, **options)
        rates.append(float(self.model.optimizer.learning_rate))

    monkeypatch.setattr(Forecaster, "fit", fit)
    for rate in (0.002, 0.002, 0.003):  # the second finds the forecasts of the first
        optimizer = keras.optimizers.Adam(rate)
        options = {"stride": 40, "refit": 72, "folder": tmp_path, "optimizer": optimizer, **FIT}
        forecaster.backtest(series, loss=losses.MaskedHuber(), **options)
    np.testing.assert_allclose(rates, [0.002, 0.002, 0.003, 0.003], rtol=1e-6)


@once
def test_a_target_alone():
    rng = np.random.default_rng(0)
    truth, quantiles = rng.normal(size=(5, 2, 3, 2)), rng.normal(size=(5, 2, 3, 2, 3))
    whole = Backtest(pd.RangeIndex(5), truth, {"a": truth + [1, 5]}, np.zeros(5, int), 2, quantiles)
    one = whole.of_target(1)
    np.testing.assert_allclose(one.by_step()["a"], [5, 5])
    assert one.stride == 2 and one.quantiles.shape == (5, 2, 3, 1, 3)
    with pytest.raises(ValueError, match="`number` must be integers below 2, the number of targ"):
        whole.of_target(2)


def statistic_by_hand(d, lags):
    total = len(d)
    mean = sum(d) / total
    gamma = [
        sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, total)) / total
        for k in range(lags + 1)
    ]
    variance = gamma[0] + 2 * sum((1 - k / (lags + 1)) * gamma[k] for k in range(1, lags + 1))
    return mean / (variance / total) ** 0.5


@once
@pytest.mark.parametrize("horizon, lags", [(1, 3), (12, 22)])
def test_the_statistic_is_that_of_newey_and_west(horizon, lags):
    rng = np.random.default_rng(0)
    first, second = rng.normal(1.1, 1, (2, 60))
    first[7] = np.nan
    d = np.delete(first - second, 7)  # ⌊4 (59 / 100)^(2/9)⌋ = 3
    statistic, p = diebold_mariano(first, second, horizon)
    assert statistic == pytest.approx(statistic_by_hand(d.tolist(), lags))
    assert p == pytest.approx(2 * stats.norm.sf(abs(statistic)))


@once
def test_the_test_keeps_its_level_where_forecasts_overlap():
    """Differences are moving means of 6 steps around 0. About 5 % of the tests reject."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(400, 605))
    means = np.lib.stride_tricks.sliding_window_view(noise, 6, axis=1).mean(axis=-1)
    rejected = np.mean([diebold_mariano(d, 0 * d, 6)[1] < 0.05 for d in means])
    plain = np.mean([stats.ttest_1samp(d, 0).pvalue < 0.05 for d in means])
    assert rejected < 0.1 and plain > 0.3


@once
def test_compare_names_the_better_forecaster():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(200, 3, 2, 1))
    origins = pd.RangeIndex(200)
    tests = {
        name: Backtest(origins, truth, {"forecaster": truth + error}, np.zeros(200, int))
        for name, error in (
            ("first", rng.normal(size=truth.shape)),
            ("same", rng.normal(size=truth.shape)),
            ("worse", 1.5 * rng.normal(size=truth.shape)),
        )
    }
    table = compare(tests)
    assert np.isnan(table.loc["first", "p"]) and table.loc["first", "difference"] == 0
    assert table.loc["same", "p"] > 0.05 and table.loc["worse", "p"] < 1e-6
    assert table.loc["worse", "statistic"] > 0
    other = Backtest(origins, truth + 1, {"forecaster": truth}, np.zeros(200, int))
    with pytest.raises(ValueError, match="`backtests` must have the same origins and readings"):
        compare([tests["first"], other])
    for wrong in (([1.0], [1.0, 2.0]), (np.ones((2, 2)), np.ones((2, 2)))):
        with pytest.raises(ValueError, match="`first` and `second` must have one shape"):
            diebold_mariano(*wrong)
    assert all(np.isnan(diebold_mariano([1.0, 2.0], [0.0, 1.0])))


@once
def test_compare_refuses_what_is_no_backtest():
    truth, origins = np.zeros((6, 2, 3, 1)), pd.RangeIndex(6)
    right = Backtest(origins, truth, {"forecaster": truth + 1}, np.zeros(6, int))
    other = Backtest(origins, truth, {"model": truth}, np.zeros(6, int))
    for wrong in ({}, [], None, right, [1], [right, 5], {"ours": 1}, "ab"):
        with pytest.raises(TypeError, match="`backtests.*` must be .*Received: .*Pass"):
            compare(wrong)
    with pytest.raises(ValueError, match=r"'backtest 2' with \['model'\]"):
        compare([right, other])
    empty = Backtest(origins, truth * np.nan, {"forecaster": truth}, np.zeros(6, int))
    assert compare({"a": empty, "b": empty})["MAE"].isna().all()


@once
def test_a_backtest_refuses_weights_that_know_later_readings(tmp_path):
    times = pd.date_range("2024-05-01", periods=240, freq="h", tz="Europe/Vienna")
    rows = np.random.default_rng(0).normal(50, 5, (240, 4))
    series = series_of({"speed": pd.DataFrame(rows, times, list("ABCD"))})
    forecaster = Forecaster(horizon=3, **SMALL)
    options = {"start": 200, "epochs": 1, "verbose": False}
    with pytest.raises(ValueError, match="`checkpoint` must be omitted .*Pass `folder`"):
        forecaster.backtest(series, checkpoint=tmp_path / "a.keras", **options)
    for steps, is_known in ((200, False), (201, True)):
        part = series_of({"speed": pd.DataFrame(rows[:steps], times[:steps], list("ABCD"))})
        start = Forecaster(horizon=3, **SMALL)
        start.fit(part, epochs=1, verbose=0)
        if not is_known:
            assert len(forecaster.backtest(series, initial=start, **options).origins)
            continue
        with pytest.raises(ValueError, match="`initial` must not know readings from the first"):
            forecaster.backtest(series, initial=start, **options)
