"""Reports: arguments of another type or out of range are refused by their names."""

import numpy as np
import pytest
import scipy.sparse as sp
from conftest import once

from stgkeras import Forecaster, datasets, models, reports

VALUES = np.arange(80.0).reshape(40, 2)
REACH = {"input_length": 4, "horizon": 2}
FIRST = np.arange(12, 39)


def compared(**options):
    series = datasets.from_arrays(VALUES, interval=60)
    truth = series.values[FIRST[:, None] + np.arange(2)]
    return reports.Comparison(
        **{"series": series, "first": FIRST, "forecasts": {"ours": truth + 1}, **options}
    )


@once
def test_a_comparison():
    ours = compared().forecasts["ours"]
    cases = [
        ({"series": VALUES}, "`series` must be a Series. Received: series of type ndarray"),
        ({"forecasts": [ours]}, "`forecasts` must be a dict of name → forecast. Received: .*list"),
        ({"forecasts": {}}, "`forecasts` must be a dict .* at least one forecast"),
        ({"forecasts": {"a": ours[..., 0]}}, r"`forecasts` must have axes \(windows, horizon"),
        ({"forecasts": {5: ours}}, "`forecasts` must be a str. Received: forecasts=5"),
        ({"targets": (1,)}, "`targets` must be integers below 1, the number of features"),
        ({"targets": ("speed",)}, "`targets` must be an integer of at least 0"),
        ({"first": FIRST + 1}, "`first` must be integers below 39"),
        ({"first": FIRST - 13}, "`first` must be an integer of at least 0. Received: first=.*-1"),
        ({"first": 5}, "`first` must be a sequence. Received: first=5"),
        ({"data": None}, "`data` must be a str"),
    ]
    for options, message in cases:
        with pytest.raises((TypeError, ValueError), match=message):
            compared(**options)
    with pytest.raises(ValueError, match="`forecasts` must be shorter than the series"):
        compared(forecasts={"a": np.zeros((1, 41, 2, 1))})
    with pytest.raises(ValueError, match="`steps` must be an integer of at least 0"):
        compared().errors(["1"])


@once
def test_baselines():
    series = datasets.from_arrays(VALUES, interval=60)
    split = datasets.split_windows(40, **REACH)
    cases = [
        ((VALUES, split), {}, "`series` must be a Series"),
        ((series, [1, 2]), {}, "`split` must have a training, a validation and a test part"),
        ((series, split._replace(test=np.array([]))), {}, "`split` must have .* test windows"),
        ((series, split), {"num_outputs": 2}, "`num_outputs` must be at most 1, the number of"),
        ((series, split), {"num_outputs": 1.5}, "`num_outputs` must be an integer"),
        ((series, split), {"horizon": "2"}, "`horizon` must be an integer"),
    ]
    for arguments, options, message in cases:
        with pytest.raises((TypeError, ValueError), match=message):
            reports.baselines(*arguments, **{**REACH, **options})


@once
def test_pictures_and_pages(tmp_path):
    path, whole = tmp_path / "a.html", compared()
    cases = [
        ({"path": 5}, "`path` must be a path"),
        ({"path": tmp_path}, "`path` must be the path of a file in an existing folder. Received"),
        ({"path": tmp_path / "absent" / "a.html"}, "`path` must be the path of a file in an exi"),
        ({"comparison": whole.forecasts}, "`comparison` must be a Comparison. Received: .* dict"),
        ({"title": None}, "`title` must be a str"),
        ({"days": 0}, "`days` must be a finite number above 0. Received: days=0"),
        ({"facts": "x"}, "`facts` must be a dict or None"),
        ({"facts": {"a": 1}}, "`facts` must be a str. Received: facts=1"),
        (
            {"figures": {"a": 1}},
            "`figures` must hold figures of Matplotlib. Received: 'a' of type int",
        ),
        ({"graph": np.eye(3)}, r"`graph` must have shape \(2, 2\).*Received: graph.shape=\(3, 3\)"),
        ({"graph": "x"}, "`graph` must hold real numbers"),
        ({"steps": 1}, "`steps` must be a sequence"),
    ]
    for options, message in cases:
        with pytest.raises((TypeError, ValueError), match=message):
            reports.write_page(**{"path": path, "comparison": whole, **options})
    assert not path.exists()
    assert "sensors" in reports.pictures(whole, graph=sp.csr_array(1 - np.eye(2)))


@once
def test_functions_of_models():
    series = datasets.from_arrays(VALUES, interval=60)
    model = models.GraphSTID(2, graph=np.eye(2), horizon=3)
    attended = models.ASTGCN(2, graph=np.eye(2), num_blocks=1)
    starts = np.arange(10)
    cases = [
        (
            reports.model_windows,
            (5, series, starts),
            "`model` must be a Forecaster. .*int",
        ),
        (reports.model_windows, (model, VALUES, starts), "`series` must be a Series"),
        (reports.attention, (None, series, starts), "`model` must be a Model"),
        (reports.attention, (attended, series, []), "`starts` must have at least one window"),
        (reports.attention, (attended, series, "x"), "`starts` must hold real numbers"),
        (reports.graph_of, (np.eye(2),), "`model` must be a GraphModel. Received: .* ndarray"),
        (reports.compare, (Forecaster(), "x.csv"), "`series` must be a Series. Received: .* str"),
        (reports.compare, (model, series), "`forecaster` must be a Forecaster. Received: .*STID"),
    ]
    for function, arguments, message in cases:
        with pytest.raises((TypeError, ValueError), match=message):
            function(*arguments)
    with pytest.raises(ValueError, match="`targets` must be integers below 1"):
        reports.model_windows(model, series, starts, targets=(1,))
    pooled = models.GCN.from_adjacency(
        np.roll(np.eye(4), 1, 0) + np.roll(np.eye(4), 1, 1), filters=(2, 2), num_classes=2
    )
    for other in (models.STGCN(2, dynamic_graph="sample"), pooled):
        with pytest.raises(ValueError, match="`model` must have one fixed graph. Received"):
            reports.graph_of(other)
