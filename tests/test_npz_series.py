"""What npz files of series must hold."""

import numpy as np
import pytest

from stgkeras.datasets import load_series


def test_options_of_tables_are_refused_for_npz(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.ones((3, 2)))
    with pytest.raises(ValueError, match="`layout` must be used with a table.*'wide'"):
        load_series(tmp_path / "a.npz", layout="wide")
    series = load_series(tmp_path / "a.npz", units="km/h", quality=np.eye(3, 2))
    assert series.units == ("km/h",) and np.isnan(series.values).sum() == 4


@pytest.mark.parametrize("axes", [4, 3])
def test_windows_in_an_npz_file(tmp_path, axes):
    shape = (5, 12, 3, 1)[:axes]
    np.savez(tmp_path / "a.npz", x=np.ones(shape), y=np.ones(shape), x_offsets=np.ones((12, 1)))
    with pytest.raises(ValueError, match=r"`key` must name.*\(samples, length, .*overlap"):
        load_series(tmp_path / "a.npz")


def test_intervals_and_names_of_npz_files(tmp_path):
    def write(name, **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    path = write("a.npz", a=np.ones((8, 3)), start_time="2024-05-01T08:00")
    for wrong in ("5", -5, np.nan):
        with pytest.raises(ValueError, match="`interval` must be a positive number of minutes"):
            load_series(path, interval=wrong)
    with pytest.raises(ValueError, match=r"one name for each node.*\(3, 1\)"):
        graph = write("g.npz", adj=np.eye(3), names=[["0"], ["1"], ["2"]])
        load_series(path, graph, interval=5)
