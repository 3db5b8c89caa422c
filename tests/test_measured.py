"""The numbers in the tables of docs/results/measured.md are in the committed results."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import once

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TEXT = (ROOT / "docs" / "results" / "measured.md").read_text("utf-8")
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?!\d| ?%)")
# The first words of a section, its files, and rows that are from papers or other programs.
SECTIONS = {
    "Forecasts": (["forecasting"], "PyTorch|published"),
    "With plain inputs": (["los_loop", "pems08_tail", "forecasting"], None),
    "Who meets next": (["contacts"], None),
    "Generated graphs": (["generated_links"], None),
    "Links": (["link_neck"], None),
    "Cora": (["cora"], None),
    "Digits": (["digits"], None),
}


def numbers(value):
    """All numbers of a result, and mean and deviation of each number over seeds."""
    if isinstance(value, dict):
        inside = [leaves(one) for one in value.values()]
        shared = set.intersection(*map(set, inside)) if len(inside) > 1 else ()
        for key in shared:
            several = [one[key] for one in inside]
            yield from (np.mean(several), np.std(several, ddof=1), np.std(several))
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one)
        if value and all(isinstance(one, (int, float)) for one in value):
            yield from (np.mean(value), np.std(value, ddof=1), np.std(value))
    elif isinstance(value, str):
        yield from map(float, DECIMAL.findall(value))
    elif isinstance(value, (int, float)):
        yield value


def leaves(value, path=()):
    """{path: number}"""
    if isinstance(value, dict):
        parts = [leaves(one, (*path, key)) for key, one in value.items()]
        return {key: one for part in parts for key, one in part.items()}
    return {path: value} if isinstance(value, (int, float)) else {}


@once
@pytest.mark.parametrize("section", SECTIONS)
def test_numbers_are_those_of_the_results(section):
    files, others = SECTIONS[section]
    part = re.split(r"^(?=\*\*[A-Z])", TEXT, flags=re.MULTILINE)
    (text,) = [one for one in part if one.startswith(f"**{section}")]
    results = [json.loads((RESULTS / f"{name}.json").read_text()) for name in files]
    known = np.array([float(one) for result in results for one in numbers(result)])
    text = re.sub(r"^\|.*\n(?=\|\s*-)", "", text, flags=re.MULTILINE)  # heads of tables
    rows = re.findall(r"^\|.*", text, re.MULTILINE)
    own = [row for row in rows if others is None or not re.search(others, row)]
    found = DECIMAL.findall("\n".join(own))
    assert len(found) > 5
    far = []
    for one in found:
        digits = len(one.split(".")[1])
        near = min(np.abs(known * scale - float(one)).min() for scale in (1, 100))
        if near > 0.51 * 10**-digits:
            far.append(one)
    assert far == []
