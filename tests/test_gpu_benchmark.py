"""The benchmark of GPUs: that it runs on a CPU, and what it does where something fails."""

import json
import pathlib
import sys

import keras
import pytest
from conftest import on_fastest, slow

pytestmark = [
    pytest.mark.skipif(not pathlib.Path("/proc/stat").exists(), reason="needs Linux"),
    pytest.mark.skipif(on_fastest(False, True), reason="starts processes with the same code"),
]
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "benchmarks"))
import command  # noqa: E402
import exports  # noqa: E402
import gpu  # noqa: E402
import gpu_worker  # noqa: E402
import records  # noqa: E402

from stgkeras import models  # noqa: E402


def run(path, *options):
    backend = keras.backend.backend()
    command.run("gpu", ["--backends", backend, "--out", str(path), *options])
    return json.loads(path.read_text())


def cells(result, column):
    rows = [row for rows in result["tables"].values() for row in rows.values()]
    return [row[column] for row in rows if column in row]


@slow
def test_small_fills_every_table(tmp_path, capsys):
    path, backend = tmp_path / "gpu.json", keras.backend.backend()
    result = run(path, "--small", "--budget", "3000")
    assert result["devices"][backend] == "CPU" and result["versions"]["keras"]
    assert set(result["tables"]) == set(gpu.TABLES)
    for found in cells(result, backend):
        assert "error" not in found
        if "output" in found:  # the same backend on the same device
            assert found["output"] < 1e-5 and found["gradient"] < 1e-4
        else:
            assert min(found["train"], found["predict"], found["memory"]) > 0
    printed = capsys.readouterr().out
    assert printed.strip() == gpu.table(result)


def test_without_time_or_gpu(tmp_path, monkeypatch):
    backend = keras.backend.backend()
    result = run(tmp_path / "time.json", "--budget", "0")
    assert {found["error"] for found in cells(result, backend)} == {"not reached"}
    rows = result["tables"]["speed"]
    assert list(rows)[:2] == [f"STGCN PEMS08, batch 32, {one}" for one in gpu.POLICIES]
    assert len(rows) == 2 * 4 * 2 * 2 and len(result["tables"]["scale"]) == 2 * len(gpu.LARGE)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = run(tmp_path / "gpu.json", "--tables", "scale")
    assert {found["error"] for found in cells(result, backend)} == {"no GPU"}
    assert gpu.table(result).startswith("Devices: none\n\n| training step, ms")


def test_every_model_is_compared():
    first, others = gpu.cases()
    kinds = {*models.forecasters(2), *exports.LINKS, *exports.CLASSIFIERS}
    assert {case.split(",")[0] for case in first} == kinds
    assert "STGCN, sparse" in others and not set(first) & set(others)


class Scripted:
    """A process with given answers. None is its end."""

    def __init__(self, answers):
        self.answers, self.process = [{"device": "GPU", "versions": {}}, *answers], self

    def answer(self):
        if (found := self.answers.pop(0)) is None:
            raise RuntimeError("the process ended with -9")
        return dict(found)


def test_a_failed_cell_does_not_end_the_script(tmp_path, monkeypatch):
    memory = gpu_worker.said(RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"))
    figure = {"train": 0.02, "predict": 0.001, "memory": 3.0, "at_most": True}
    ended = [{"error": memory, "ends": True}]
    children = map(
        Scripted, [[figure, *ended], [None], [{"error": "a | b", "ends": False}, figure]]
    )
    asked = []

    def child(self, column, device, exact, requests):
        asked.append(len(requests))
        return next(children)

    monkeypatch.setattr(gpu.Run, "child", child)
    monkeypatch.setattr(gpu, "end", lambda child: None)
    args = command.parse(gpu, ["--out", str(tmp_path / "gpu.json")])
    rows = {row: {"jax": {"error": "not reached"}} for row in "abcde"}
    result = {"devices": {}, "versions": {}, "tables": {"speed": rows}}
    gpu.Run(args, result).fill("speed", "jax", {row: ("steps", {}) for row in "abcde"})
    assert asked == [5, 3, 2]  # a process after each that ended
    lines = gpu.table(records.read(args.out)).splitlines()
    assert lines[0] == "Devices: jax: GPU"
    assert lines[4:] == [
        "| a | 20.0 / 1.0; ≤ 3.00 |",
        "| b | out of memory |",
        "| c | the process ended with -9 |",
        "| d | a / b |",
        "| e | 20.0 / 1.0; ≤ 3.00 |",
    ]
