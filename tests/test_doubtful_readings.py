"""Doubtful readings: totals, digits that float32 loses, and masked arrays."""

import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_arrays, from_csv, from_pandas

TIMES = pd.date_range("2024-05-01", periods=40, freq="5min")


@pytest.fixture
def flows():
    values = np.random.default_rng(0).integers(1, 80, (40, 3)).astype(float)
    return pd.DataFrame(values, TIMES, ["A", "B", "C"])


def warned(read):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        read()
    return [str(warning.message) for warning in found]


def with_total(flows, name="Total"):
    return flows.assign(**{name: flows.sum(axis=1)})


def test_total_in_a_wide_file(flows, tmp_path):
    path = tmp_path / "a.csv"
    with_total(flows, "Summe").to_csv(path, index_label="time")
    (message,) = warned(lambda: from_csv(path))
    assert "a.csv has the sensor 'Summe', whose readings are the sum" in message
    assert "in 40 of 40 rows" in message and "`ignore=['Summe']`" in message
    assert not warned(lambda: from_csv(path, ignore=["Summe"]))
    assert from_csv(path, ignore=["Summe"]).names == ("A", "B", "C")


def test_total_in_other_forms(flows, tmp_path):
    table = with_total(flows).rename_axis("time").reset_index()
    path = tmp_path / "long.csv"
    table.melt("time", var_name="sensor", value_name="flow").to_csv(path, index=False)
    assert "'Total'" in warned(lambda: from_csv(path))[0]
    assert "'Total'" in warned(lambda: from_pandas(with_total(flows)))[0]
    speeds = flows * 0 + np.random.default_rng(1).normal(50, 5, flows.shape)
    two = {"speed": with_total(speeds) * 0.5 + 9, "flow": with_total(flows)}
    assert "'Total'" in warned(lambda: from_pandas(two))[0]


def test_total_with_missing_and_other_rows(flows):
    total = with_total(flows).round(1)
    total.iloc[3, 3] += 7
    total.iloc[5, 1] = total.iloc[6, 3] = np.nan
    total.iloc[5, 3] = total.iloc[5, [0, 2]].sum()
    assert "in 38 of 39 rows" in warned(lambda: from_pandas(total, null_value=np.nan))[0]
    total.iloc[:3, 3] += 1
    assert not warned(lambda: from_pandas(total, null_value=np.nan))


def test_no_total(flows):
    other = flows["A"].to_numpy()
    zeros = 0 * other
    for values in (
        flows,
        np.stack([other, other], axis=1),
        np.stack([other, zeros, other], axis=1),
        np.tile([1.0, 2, 3], (40, 1)),
        with_total(flows)[:9],
        flows.assign(D=flows["A"] + flows["B"] + flows["C"] + 1),
    ):
        assert not warned(lambda values=values: from_arrays(np.asarray(values)))


@pytest.mark.parametrize("options", [{}, {"regularize": True, "duplicates": "mean"}])
def test_lost_digits(flows, options):
    counter = flows.cumsum() + 2.0**24 - 500
    exact = counter.to_numpy()
    lost = (exact > 2**24) & (exact != exact.astype(np.float32))
    (message,) = warned(lambda: from_pandas(counter, **options))
    first, rounded = exact[lost][0], int(np.float32(exact[lost][0]))
    assert f"has {lost.sum()} readings above 16777216" in message
    assert f"the first, {first:.0f}, becomes {rounded}." in message
    assert "`frame.diff()`" in message
    assert not warned(lambda: from_pandas(counter.diff()[1:], **options))
    assert not warned(lambda: from_pandas(counter - 2.0**24, **options))


def test_no_lost_digits(flows):
    assert not warned(lambda: from_pandas(flows * 0 + 2.0**30))
    missing = flows.mask(flows > 70)
    assert not warned(lambda: from_pandas(missing, null_value=np.nan))
    assert not warned(lambda: from_pandas(missing.fillna(-99999999), null_value=-99999999))


def test_masked_arrays_are_refused():
    masked = np.ma.masked_array([[1.0, 2], [3, 4]], [[False, True], [False, False]])
    with pytest.raises(ValueError, match="`values` must have no masked entries"):
        from_arrays(masked)
    assert from_arrays(masked.filled(np.nan), null_value=np.nan).values.shape == (2, 2, 1)
