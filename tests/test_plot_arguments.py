"""Wrong arguments of figures: each error names the argument, not a line of Matplotlib."""

import inspect

import numpy as np
import pandas as pd
import pytest

from stgkeras import graphs, plots

WINDOWS = np.zeros((6, 3))  # (windows, horizon)
NODES = np.zeros((6, 3, 4))
EVEN = np.ones((4, 4))
TIMES = pd.date_range("2024-05-01", periods=6, freq="h")
HOURS = np.zeros((6, 3))
ERRORS = pd.DataFrame({"a": [1.0, 2.0]})
CURVE = (np.array([0.1, 0.9]), np.array([0.2, 0.8]))

# For each function: valid arguments, then wrong values of one of them, and the messages.
CASES = {
    "accuracies": (
        {"curves": {"a": [0.5]}, "baselines": {"b": 0.6}},
        {
            "curves": (
                ([0.5], "`curves` must be a dict of label → accuracies .* of type list"),
                ({"a": "high"}, r"`curves\['a'\]` must hold real numbers"),
                ({"a": []}, r"`curves\['a'\]` must have one accuracy for each epoch"),
                ({"a": [[0.5]]}, r"`curves\['a'\]` must have one accuracy .* shape \(1, 1\)"),
            ),
            "baselines": (
                (0.6, "`baselines` must be a dict"),
                ({"b": [0.6, 0.7]}, r"`baselines\['b'\]` must be a finite number"),
            ),
        },
    ),
    "adjacency": (
        {"matrices": {"a": EVEN}},
        {
            "matrices": (
                (EVEN, "`matrices` must be a dict of label → array"),
                ({}, "`matrices` must have at least one entry"),
                ({"a": EVEN[0]}, r"`matrices\['a'\]` must have axes \(nodes, nodes\)"),
                ({"a": EVEN[:2]}, r"`matrices\['a'\]` must have as many rows as columns"),
            ),
        },
    ),
    "attention": (
        {"scores": {"a": EVEN}, "clustered": ["a"], "names": list("wxyz")},
        {
            "scores": (
                (EVEN, "`scores` must be a dict"),
                ({}, "`scores` must have at least one entry"),
                ({"a": EVEN[0]}, r"`scores\['a'\]` must have the axes \(n, n\)"),
                ({"a": EVEN[:, :3]}, r"`scores\['a'\]` must have as many rows as columns"),
            ),
            "clustered": (("a", "`clustered` must be a sequence"),),
            "names": (("wxyz", "`names` must be a sequence"),),
        },
    ),
    "backtest": (
        {"errors": ERRORS, "fitted": [0, 1]},
        {
            "errors": (
                ([1.0], "`errors` must be a DataFrame"),
                (ERRORS[:0], r"`errors` must have a row for each origin .* \(0, 1\)"),
                (pd.DataFrame([range(5)]), "`errors` must have a row .* 1 to 4 columns"),
            ),
            "fitted": (([0], "`fitted` must have a number for each of the 2 origins"),),
            "title": ((3, "`title` must be a str"),),
        },
    ),
    "classes": (
        {"features": {"a": EVEN}, "labels": [0, 1, 0, -1], "names": ["x", "y"]},
        {
            "features": (
                (EVEN, "`features` must be a dict"),
                ({}, "`features` must have at least one entry"),
                ({"a": EVEN * np.nan}, r"`features\['a'\]` must hold finite numbers"),
                ({"a": [["x", "y"]] * 4}, r"`features\['a'\]` must hold real numbers"),
            ),
            "labels": (
                ("abcd", "`labels` must hold real numbers"),
                ([0.0, 1.0, 0.0, 1.0], "`labels` must be ints"),
                (
                    [-1] * 4,
                    "`labels` must have at least two points.* 4 points, 0 classes",
                ),
            ),
            "names": (
                (["x"], "`names` must have a name for each class, 0 to 1. Received: 1 names"),
                ("xy", "`names` must be a sequence"),
            ),
        },
    ),
    "errors_by_sensor": (
        {"truth": NODES, "predicted": {"a": NODES}, "names": list("wxyz")},
        {
            "truth": (
                (WINDOWS, r"`truth` must have the axes \(windows, horizon, nodes\)"),
                ("abc", "`truth` must hold real numbers"),
            ),
            "predicted": (
                (NODES, "`predicted` must be a dict"),
                ({}, "`predicted` must have at least one entry"),
                ({"a": NODES[:2]}, "`predicted` must hold forecasts in the shape of `truth`"),
            ),
            "names": ((["w"], "`names` must hold one name per node, 4 names. Received: 1"),),
            "most": ((0, "`most` must be an integer of at least 1"),),
            "units": ((None, "`units` must be a str"),),
        },
    ),
    "errors_in_time": (
        {"truth": NODES, "predicted": {"a": NODES}, "hours": HOURS, "step_minutes": 5},
        {
            "truth": ((NODES[0, 0], r"`truth` must have the axes \(windows, horizon\)"),),
            "predicted": (({}, "`predicted` must have at least one entry"),),
            "hours": (
                (HOURS[:2], r"`hours` must have shape \(windows, horizon\), \(6, 3\)"),
                (HOURS + 24, "`hours` must be at least 0 and below 24. Received: values from 24"),
            ),
            "step_minutes": ((0, "`step_minutes` must be a finite number above 0"),),
        },
    ),
    "forecast": (
        {"truth": WINDOWS, "predicted": WINDOWS, "steps": {"x": 3}, "times": TIMES},
        {
            "truth": (
                (NODES, r"`truth` must have axes \(windows, horizon\)"),
                (WINDOWS[:0], r"`truth` must have the axes \(windows, horizon\), with at least"),
            ),
            "predicted": ((WINDOWS[:2], r"`predicted` must have the axes .* Received: shape \(2"),),
            "steps": (
                ([3], "`steps` must be a dict of label → forecast step"),
                ({"x": 4}, "`steps` must be from 1 to the horizon, 3"),
                ({"x": 0}, r"`steps\['x'\]` must be an integer of at least 1"),
                (dict.fromkeys("abcde", 1), "`steps` must have at most 4 entries"),
            ),
            "times": (
                (5, "`times` must be datetime64 or a pandas DatetimeIndex. Received: .* int"),
                (["2024"] * 6, "`times` must be datetime64 or a pandas DatetimeIndex"),
            ),
            "baseline": (
                (WINDOWS, "`baseline` must be a dict"),
                ({"b": WINDOWS[0]}, r"`baseline\['b'\]` must have the axes"),
            ),
        },
    ),
    "forecast_fan": (
        {"truth": WINDOWS, "predicted": WINDOWS, "bands": {"80 %": (WINDOWS, WINDOWS)}},
        {
            "truth": (("abc", "`truth` must hold real numbers"),),
            "every": ((0, "`every` must be an integer of at least 1"),),
            "bands": (
                ((WINDOWS, WINDOWS), "`bands` must be a dict"),
                ({"80 %": WINDOWS}, r"`bands\['80 %'\]` must be a pair of arrays"),
                ({"80 %": 3}, r"`bands\['80 %'\]` must be a sequence"),
            ),
            "times": ((5, "`times` must be datetime64"),),
            "step_minutes": (("5", "`step_minutes` must be a finite number above 0"),),
        },
    ),
    "graph": (
        {"adjacency": EVEN, "values": np.arange(4), "positions": EVEN[:, :2]},
        {
            "adjacency": ((EVEN[:2], "`adjacency` must have as many rows as columns"),),
            "values": ((np.arange(3), r"`values` must have the axes \(nodes\), here .* \(4,\)"),),
            "positions": ((EVEN, r"`positions` must have the axes \(nodes, 2\)"),),
            "label": ((None, "`label` must be a str"),),
        },
    ),
    "intervals": (
        {
            "truth": WINDOWS,
            "quantiles": np.zeros((6, 3, 2)),
            "levels": (0.1, 0.9),
            "hours": HOURS,
        },
        {
            "truth": ((WINDOWS * np.nan, "`truth` must have a reading. Received: only NaN"),),
            "quantiles": ((WINDOWS, "`quantiles` must have the axes of `truth`"),),
            "levels": (((0.9, 0.1), "`levels` must rise"), ("ab", "`levels` must be")),
            "hours": ((HOURS - 1, "`hours` must be at least 0"), ("ab", "`hours` must hold real")),
        },
    ),
    "likely_links": (
        {"ties": {"a – b": 0.1}, "baselines": {"all": 0.2}},
        {
            "ties": (
                ([0.1], "`ties` must be a dict"),
                ({"a": "b"}, r"`ties\['a'\]` must be a finite number"),
            ),
            "baselines": ((0.2, "`baselines` must be a dict"),),
        },
    ),
    "partition": (
        {
            "adjacency": EVEN,
            "positions": EVEN[:, :2],
            "parts": graphs.partition(EVEN, 2, hops=1),
        },
        {
            "adjacency": (
                (EVEN[:2], "`adjacency` must have as many rows as columns"),
                (np.eye(3), r"`adjacency` must be .* with 4 nodes. Received: shape \(3, 3\)"),
            ),
            "positions": ((EVEN, r"`positions` must have the axes \(nodes, 2\)"),),
            "parts": ((EVEN, "`parts` must be a `graphs.Partition`. Received: .* ndarray"),),
            "part": ((2, "`part` must be integers below 2, the number of parts"),),
        },
    ),
    "predicted_links": (
        {"truth": EVEN, "probability": EVEN, "names": list("wxyz")},
        {
            "truth": ((EVEN[:2], "`truth` must have as many rows as columns"),),
            "probability": (
                (np.eye(3), r"`probability` must have the shape \(4, 4\)"),
                (EVEN[0], r"`probability` must have axes \(nodes, nodes\)"),
            ),
            "names": ((["w"], "`names` must hold one name per node"),),
            "directed": ((1, "`directed` must be True or False"),),
        },
    ),
    "reliability": (
        {"curves": {"a": CURVE}},
        {
            "curves": (
                (CURVE, "`curves` must be a dict"),
                ({}, "`curves` must have at least one entry"),
                ({"a": CURVE[:1]}, r"`curves\['a'\]` must be a pair of arrays"),
                ({"a": (CURVE[0], CURVE[1][:1])}, r"`curves\['a'\]\[1\]` must have the axes"),
                ({"a": ([50.0], [60.0])}, r"`curves\['a'\]` must hold numbers in \[0, 1\]"),
            ),
        },
    ),
    "spectral_filters": (
        {
            "operators": {"a": EVEN[None]},
            "eigenvalues": np.zeros(4),
            "eigenvectors": EVEN,
            "hops": 1 - np.eye(4),
        },
        {
            "operators": (
                (EVEN, "`operators` must be a dict"),
                ({"a": EVEN}, r"`operators\['a'\]` must have axes \(filters, nodes, nodes\)"),
                ({"a": np.ones((2, 3, 3))}, r"`operators\['a'\]` must have the axes .* 4 nodes"),
            ),
            "eigenvalues": ((np.zeros(3), r"`eigenvalues` must have the axes \(nodes\)"),),
            "eigenvectors": ((np.eye(3), r"`eigenvectors` must have the shape \(4, 4\)"),),
            "hops": ((np.zeros(4), r"`hops` must have axes \(nodes, nodes\)"),),
        },
    ),
}
WRONG = [
    pytest.param(function, {**given, name: value}, message, id=f"{function}-{name}-{number}")
    for function, (given, wrong) in CASES.items()
    for name, pairs in wrong.items()
    for number, (value, message) in enumerate(pairs)
]


@pytest.mark.parametrize(("function", "given", "message"), WRONG)
def test_wrong_arguments_are_named(function, given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(plots, function)(**given)


@pytest.mark.parametrize("function", CASES)
def test_the_valid_arguments_of_these_cases(function):
    getattr(plots, function)(**CASES[function][0])


@pytest.mark.parametrize("function", plots.__all__)
def test_texts_of_all_figures(function):
    """Titles, labels and units must be str."""
    made = getattr(plots, function)
    given = CASES[function][0] if function in CASES else {"logs": "."}
    texts = {"title", "label", "units"} & set(inspect.signature(made).parameters)
    for name in texts:
        with pytest.raises(TypeError, match=f"`{name}` must be a str. Received: {name}=5"):
            made(**{**given, name: 5})
    assert "title" in texts


def test_learning_curves(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss,mae\n0,3,1\n1,2,1\n")
    figure = plots.learning_curves(tmp_path, names="loss")
    assert [axes.get_title() for axes in figure.axes] == ["loss"]
    for names in (3, [3]):
        with pytest.raises((TypeError, ValueError), match="`names` must be a"):
            plots.learning_curves(tmp_path, names=names)


def test_a_step_beyond_all_windows_draws_no_line():
    """Ten windows have no forecast twelve steps ahead of a time that was measured."""
    truth = np.zeros((10, 12))
    lines = plots.forecast(truth, truth, {"12": 12}).axes[0].lines
    assert [len(line.get_xdata()) for line in lines] == [10, 0]
