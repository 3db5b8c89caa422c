"""The lineage of spectral networks, compared on a few of the digits."""

import json
import sys
from pathlib import Path

import pytest
import sklearn.datasets
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import compare_spectral


def test_table_and_pictures(tmp_path, monkeypatch, capsys):
    x, y = load_digits(return_X_y=True)  # 320 of them make whole batches, which compile once
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda return_X_y: (x[:320], y[:320]))
    options = ["--epochs", "2", "--out", str(tmp_path / "run")]
    compare_spectral.main(compare_spectral.parse(options))
    assert "All files are in" in capsys.readouterr().out
    assert (tmp_path / "run" / "tensorboard" / "GCN, grid" / "validation").exists()
    rows = json.loads((tmp_path / "run" / "metrics.json").read_text())["rows"]
    assert [(row["model"], row["graph"]) for row in rows] == [
        ("SCNN", "grid"),
        ("smooth SCNN", "grid"),
        ("ChebNet", "grid"),
        ("GCN", "grid"),
        ("ChebNet", "estimated"),
        ("ChebNet", "estimated with labels"),
    ]
    for row in rows:
        assert 0 <= row["validation"] <= 1 and 0 <= row["test"] <= 1
    sizes = [row["parameters"] for row in rows[:4]]
    assert max(sizes) < 1.03 * min(sizes)
    for name in ("accuracy.png", "filters.png"):
        assert (tmp_path / "run" / name).stat().st_size > 10_000
    with pytest.raises(SystemExit, match="already holds a run. Pass another --out"):
        compare_spectral.main(compare_spectral.parse(options))
