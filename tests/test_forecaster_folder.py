"""Folders of forecasters: custom losses, and files that are damaged or do not belong together."""

import json
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import once

from stgkeras import datasets
from stgkeras.forecasting import Forecaster

SMALL = {"units": 4, "num_blocks": 1, "node_units": 2, "adaptive_units": 2, "K": 2}


def speeds(names=("A", "B", "C"), seed=0):
    times = pd.date_range("2024-10-20", periods=10 * 24, freq="h", tz="Europe/Vienna")
    wave = 10 * np.sin(2 * np.pi * times.hour.to_numpy()[:, None] / 24)
    noise = np.random.default_rng(seed).normal(0, 1, (len(times), len(names)))
    return pd.DataFrame(50 + wave + noise, times, names)


def trained(table, **options):
    series = datasets.from_pandas(table, np.ones((3, 3)) - np.eye(3), units="km/h")
    forecaster = Forecaster("GraphSTID", horizon=3, **SMALL)
    forecaster.fit(series, epochs=1, verbose=0, **options)
    return forecaster


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder that no test may change, and its forecaster."""
    folder = tmp_path_factory.mktemp("saved") / "city"
    forecaster = trained(speeds())
    forecaster.save(folder)
    return folder, forecaster


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved[0], tmp_path / "city")


def change(folder, **fields):
    path = folder / "forecaster.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def absolute(truth, forecast):
    """A loss that no other program knows."""
    return keras.ops.mean(keras.ops.abs(truth - forecast), axis=-1)


@once
def test_a_forecaster_with_a_loss_of_the_user_opens_without_it(tmp_path):
    forecaster = trained(speeds(), loss=absolute)
    forecaster.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    newest = speeds()[-12:]
    expected = forecaster.forecast(newest).values
    np.testing.assert_allclose(opened.forecast(newest).values, expected, rtol=1e-5)
    series = datasets.from_pandas(speeds(), np.ones((3, 3)) - np.eye(3))
    opened.fit(series, initial=tmp_path / "city", epochs=1, verbose=0)


@once
@pytest.mark.parametrize("name", ["model.keras", "baselines.npz"])
def test_files_of_two_folders_do_not_belong_together(folder, tmp_path, name):
    trained(speeds(("C", "A", "B"), seed=1)).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, folder / name)
    message = rf"`folder` must hold .*city, whose {name} .*do not belong together"
    with pytest.raises(ValueError, match=message):
        Forecaster.load(folder)


@once
def test_older_folders_without_digests_open(folder):
    path = folder / "forecaster.json"
    record = json.loads(path.read_text())
    assert set(record["digests"]) == {"model.keras", "baselines.npz"}
    del record["digests"]
    path.write_text(json.dumps(record))
    Forecaster.load(folder)


FORM = (
    *({"interval": "x"}, {"interval": 0}, {"interval": True}, {"timezone": "Mars/X"}),
    *({"timezone": 5}, {"names": ["A"]}, {"names": None}, {"names": ["A", "B", 3]}),
    *({"features": []}, {"units": [None]}, {"targets": [1]}, {"targets": ["value"]}),
    *({"holidays": ["soon"]}, {"holidays": [5]}, {"holidays": 5}, {"null_value": ["x"]}),
    *({"null_value": 5}, {"input_length": 2.5}, {"horizon": 0}, {"horizon": "3"}),
    *({"dated": 1}, {"floor": ["low"]}, {"last_seen": ["now!", None, None]}),
    *({"last_seen": [3, None, None]}, {"trained": [1, 1, 1]}, {"day_first": "yes"}, {"more": 1}),
)


@once
@pytest.mark.parametrize("fields", FORM, ids=str)
def test_values_of_another_type_in_the_form(folder, fields):
    record = json.loads((folder / "forecaster.json").read_text())
    change(folder, data=record["data"] | fields)
    name = next(iter(fields))
    message = rf"`folder` must hold .*city, whose forecaster.json cannot be used: .*\b{name}\b"
    with pytest.raises(ValueError, match=message):
        Forecaster.load(folder)


RECORD = (
    *({"format": 9}, {"data": []}, {"data": None}, {"data": {}}, {"steps_per_day": 12}),
    *({"season": "no"}, {"members": None}, {"members": ["model"]}, {"split": 5}),
    *({"split": {"train": "x"}}, {"errors": [1]}, {"errors": {"data": 1}}, {"digests": 3}),
    *({"begins": [1]}, {"begins": {"train": 5}}),
)


@once
@pytest.mark.parametrize("fields", RECORD, ids=str)
def test_values_of_another_type_in_the_record(folder, fields):
    change(folder, **fields)
    with pytest.raises(ValueError, match=r"must hold .*city, whose forecaster.json cannot be used"):
        Forecaster.load(folder)


@once
def test_a_record_of_another_season(saved, folder):
    change(folder, season=not saved[1]._fitted.season)
    with pytest.raises(ValueError, match=r"whose model.keras cannot be used: season is .*"):
        Forecaster.load(folder)
    shutil.copy(saved[0] / "forecaster.json", folder / "forecaster.json")
    Forecaster.load(folder)


@once
@pytest.mark.parametrize("text", ["null", "[]", "3", "", "{", "{}", "\udcff"])
def test_records_without_a_description(folder, text):
    (folder / "forecaster.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    message = r"must hold .*city, whose forecaster.json cannot be used: .*[^.]\. Use an undam"
    with pytest.raises(ValueError, match=message):
        Forecaster.load(folder)


@once
@pytest.mark.parametrize("name", ["model.keras", "baselines.npz"])
def test_files_that_are_cut_short(folder, name):
    whole = (folder / name).read_bytes()
    for part in (b"", b"no zip", whole[: len(whole) // 2], whole[:-1]):
        (folder / name).write_bytes(part)
        with pytest.raises(ValueError, match=rf"whose {name} .*damaged or cut short\. Use an unda"):
            Forecaster.load(folder)
    (folder / name).unlink()
    with pytest.raises(ValueError, match=rf"that `Forecaster.save` wrote.*{name}"):
        Forecaster.load(folder)


@once
def test_arrays_of_other_shapes_or_without_numbers(folder):
    arrays = dict(np.load(folder / "baselines.npz"))
    change(folder, digests={})
    for other in (arrays["ridge"] * np.nan, arrays["ridge"][1:], arrays["ridge"].astype(str)):
        np.savez(folder / "baselines.npz", **arrays | {"ridge": other})
        with pytest.raises(ValueError, match="whose baselines.npz cannot be used: ridge must have"):
            Forecaster.load(folder)
    del arrays["offset"]
    np.savez(folder / "baselines.npz", **arrays)
    with pytest.raises(ValueError, match="baselines.npz cannot be used: it has nothing called"):
        Forecaster.load(folder)


def test_the_card_has_the_errors_and_what_is_not_known(saved, tmp_path):
    folder, forecaster = saved
    text = (folder / "README.md").read_text("utf-8")
    assert text.startswith(
        "# GraphSTID for 3 sensors\n\nForecasts value (km/h) of the next 3 steps"
    )
    assert "2024-10-29T22:00:00+01:00" in text  # the last of 10 days, after the clocks changed
    assert "Not computed. Call `forecaster.evaluate()`" in text
    counts = [f"{n} windows for" for n in forecaster.split.values()]
    assert all(one in text for one in counts)
    assert "windows for training from 2024-10-20T00:00:00+02:00, " in text
    table = forecaster.evaluate()
    forecaster.save(tmp_path / "city")
    text = (tmp_path / "city" / "README.md").read_text("utf-8")
    assert f"| forecaster | {table.loc['forecaster'].iloc[0]:.4g} | " in text
