"""The model that CONTRIBUTING.md writes out."""

import inspect
from pathlib import Path

import numpy as np
from snippets import python_snippets

CONTRIBUTING = Path(__file__).resolve().parent.parent / "CONTRIBUTING.md"


def test_the_example_of_a_model_works_and_shows_all_its_arguments():
    (snippet,) = python_snippets(CONTRIBUTING)
    names = {"__name__": "snippet"}
    exec(compile(snippet, str(CONTRIBUTING), "exec"), names)
    model = names["ShortSTID"](4, units=5, steps_per_day=24, horizon=3, normalize=True)
    x = np.random.default_rng(0).normal(50, 10, (6, 12, 4, 1)).astype("float32")
    model.adapt(x)
    inputs = {"x": x, "past_calendar": np.zeros((6, 12, 2))}
    assert model.predict(inputs, verbose=0).shape == (6, 3, 4, 1)
    assert model.get_config()["units"] == 5
    parameters = set(inspect.signature(names["ShortSTID"]).parameters)
    assert {"num_nodes", "input_length", "horizon", "season", "units"} <= parameters
    assert "graph" not in parameters
    assert "season: None, or int" in names["ShortSTID"].__doc__
