"""Every Python snippet of the README and of the guide runs as written, the guide's one after the
other; on the slow backends the first one of the guide."""

import functools
import re
from pathlib import Path

import numpy as np
import pandas as pd
from conftest import EVERYTHING, on_fastest, once
from snippets import python_snippets

import stgkeras

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
GUIDE = [ROOT / "docs" / "guide" / f"{name}.md" for name in ("code", "tune", "links", "classify")]


@once
def test_snippets_of_the_readme_and_for_assistants(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fit = functools.partialmethod(stgkeras.Forecaster.fit, epochs=1)
    monkeypatch.setattr(stgkeras.Forecaster, "fit", fit)
    times = pd.date_range("2024-05-01", periods=14 * 24, freq="h")
    noise = np.random.default_rng(0).normal(size=(len(times), 3))
    wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
    speeds = pd.DataFrame(wave[:, None] + noise, times, ["A1", "A2", "A3"]).rename_axis("time")
    speeds.to_csv("speeds.csv")
    speeds[-24:].to_csv("newest.csv")
    roads = pd.DataFrame({"from": ["A1", "A2"], "to": ["A2", "A3"], "distance": [1, 2]})
    roads.to_csv("roads.csv", index=False)
    (snippet,) = python_snippets(README)
    exec(compile(snippet, str(README), "exec"), names := {})
    assert "forecaster" in capsys.readouterr().out  # a row of the table of errors
    (calls,) = python_snippets(ROOT / "docs" / "llms.txt")
    exec(compile(calls, "llms.txt", "exec"), {})
    assert all(f"# {number}" in calls for number in range(1, 11))
    (columns,) = re.findall(r"# (time, .*)\n", snippet)
    written = pd.read_csv("next_hour.csv")
    assert ", ".join(written.columns) == columns and len(written) == 12 * 3
    names["forecaster"].save("city")
    (served,) = python_snippets(ROOT / "docs" / "serving.md")
    exec(compile(served, "serving.md", "exec"), names)
    assert str(names["forecaster"].forecast().times[0]) == "2024-05-15 01:00:00+02:00"


def test_snippets_of_the_guide(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))  # where generated graphs are cached
    code = [snippet for path in GUIDE for snippet in python_snippets(path)]
    names = {}
    for snippet in on_fastest(code, code[:2]):  # the first trains, saves and opens a model
        exec(compile(snippet, "guide", "exec"), names)
    printed = capsys.readouterr().out
    assert "(97, 12, 6, 1)" in printed  # 120 test steps hold 120 - 23 windows
    # Three test sequences of 60 - 10 windows
    assert ("(150, 30, 30)" in printed) == EVERYTHING
    assert (tmp_path / "forecaster.keras").exists()


@once
def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= 150
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(r"^\[.*\]: (.*)$", text, re.M)
    assert len(links) >= 10
    assert [link for link in links if not (ROOT / link).exists()] == []
