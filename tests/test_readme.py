"""Every Python snippet of the README runs as written, one after the other; on the slow backends the
first ones."""

import re
from pathlib import Path

from conftest import EVERYTHING, on_fastest

README = Path(__file__).resolve().parent.parent / "README.md"


def test_python_snippets(tmp_path, monkeypatch, capsys):
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))  # where generated graphs are cached
    names = {}
    for snippet in on_fastest(snippets, snippets[:2]):  # the first trains, saves and opens a model
        exec(compile(snippet, str(README), "exec"), names)
    printed = capsys.readouterr().out
    assert "(97, 12, 6, 1)" in printed  # 120 test steps hold 120 - 23 windows
    # Three test sequences of 60 - 10 windows
    assert ("(150, 30, 30)" in printed) == EVERYTHING
    assert (tmp_path / "forecaster.keras").exists()


def test_pictures_exist():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README.read_text(encoding="utf-8"))
    assert len(pictures) >= 2
    assert all((README.parent / picture).stat().st_size > 1000 for picture in pictures)
