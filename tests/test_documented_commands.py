"""Each command of the pages with a script of examples/ has options that the script takes."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
from conftest import once

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]


def commands():
    """Pairs of a script and its words, from lines and their continuations."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        for name, words in re.findall(r"^.*\bpython examples/(\w+)\.py(.*)$", text, re.M):
            yield name, tuple(shlex.split(words.split("`")[0], comments=True))


COMMANDS = sorted(set(commands()))


@once
def test_most_scripts_are_shown():
    assert {name for name, _ in COMMANDS} >= {
        *("train_astgcn", "train_stgcn", "tune_astgcn", "report", "forecast_your_csv"),
        *("predict_links", "classify_nodes", "compare_spectral"),
    }


@once
@pytest.mark.parametrize("name, words", COMMANDS)
def test_options_are_taken(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = importlib.import_module(name).parse(list(words))
    assert args is not None
