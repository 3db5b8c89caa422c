"""The benchmarks of speed and scale: what they count, and that they run."""

import contextlib
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import on_fastest

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/stat").exists(), reason="needs Linux")
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "benchmarks"))
import command  # noqa: E402
import front_page  # noqa: E402
import presets  # noqa: E402
import records  # noqa: E402
import scale  # noqa: E402
import speed  # noqa: E402
import speed_turns  # noqa: E402
import speed_worker  # noqa: E402
import zoo  # noqa: E402

TINY = {"B": 2, "N": 5, "F": 3, "T": 12, "K": 3, "horizon": 4, "width": 64, "edges": 2}

# Products of the plain dense algorithm, by hand, as (how often, rows, inner, columns). A window of
# TINY: 12 steps, 5 nodes, 3 features. T_0 = I takes no product.
ASTGCN_BLOCK = [
    *[(1, 36, 5, 1), (1, 12, 3, 5), (1, 60, 3, 1)],  # temporal: (xᵀU_1) U_2, U_3 x
    *[(1, 12, 5, 12), (1, 12, 12, 12), (1, 12, 12, 15)],  # scores, V_e, the attended signal
    *[(1, 15, 12, 1), (1, 5, 3, 12), (1, 60, 3, 1)],  # spatial: (x W_1) W_2, W_3 x
    *[(1, 5, 12, 5), (1, 5, 5, 5)],  # scores, V_s
    *[(2 * 12, 5, 5, 3), (3 * 12, 5, 3, 64)],  # (T_1 ⊙ S) x and (T_2 ⊙ S) x, three kernels
    *[(12, 5, 3 * 64, 64), (12, 5, 3, 64)],  # temporal convolution of three steps, residual
]
SECOND_BLOCK = [
    *[(1, 12 * 64, 5, 1), (1, 12, 64, 5), (1, 60, 64, 1)],
    *[(1, 12, 5, 12), (1, 12, 12, 12), (1, 12, 12, 5 * 64)],
    *[(1, 5 * 64, 12, 1), (1, 5, 64, 12), (1, 60, 64, 1)],
    *[(1, 5, 12, 5), (1, 5, 5, 5)],
    *[(2 * 12, 5, 5, 64), (3 * 12, 5, 64, 64)],
    *[(12, 5, 3 * 64, 64), (12, 5, 64, 64)],
]
PRODUCTS = {
    "ASTGCN": [*ASTGCN_BLOCK, *SECOND_BLOCK, (1, 5, 12 * 64, 4)],
    "STGCN": [
        *[(10, 5, 3 * 3, 128), (10, 5, 64, 16)],  # 3 to 64 features, aligned to 16
        *[(2 * 10, 5, 5, 16), (3 * 10, 5, 16, 16), (8, 5, 3 * 16, 128)],
        *[(6, 5, 3 * 64, 128), (6, 5, 64, 16)],
        *[(2 * 6, 5, 5, 16), (3 * 6, 5, 16, 16), (4, 5, 3 * 16, 128)],
        *[(1, 5, 4 * 64, 256), (1, 5, 128, 128), (1, 5, 128, 4)],
    ],
    "ChebConv": [(12, 5, 3, 64), (2 * 12, 5, 5, 64), (3 * 12, 5, 64, 64)],
    "GraphConv": [(12, 5, 3, 64), (12, 5, 5, 64), (12, 5, 64, 64)],
}


@pytest.mark.parametrize("network", PRODUCTS)
def test_flops_are_those_of_the_products(network):
    by_hand = 2 * sum(times * a * b * c for times, a, b, c in PRODUCTS[network])  # of a window
    assert speed.forward_flops(network, TINY) == TINY["B"] * by_hand


def test_disturbed_blocks_do_not_count():
    blocks = [{"times": [1.0, 2.0], "others": 0.05}, {"times": [50.0], "others": 0.6}]
    assert speed_turns.counted(blocks) == [1.0, 2.0]
    worker = object.__new__(speed_turns.Worker)
    worker.first, worker.first_counts, worker.start = 3.0, True, {"base": 100.0}
    worker.blocks = {"train": [{**block, "memory": 120.0} for block in blocks]}
    found = worker.summary()
    assert (found["train"], found["train_steps"], found["added"]) == (1.5, 2, 20.0)
    assert not worker.done("train", steps=3, seconds=100) and worker.done("train", 2, 100)


def test_a_block_sees_what_others_do():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        time.sleep(0.3)
        found = speed_worker.block(lambda: time.sleep(0.05))
        other.kill()
    assert found["others"] > speed_turns.QUIET


def test_slopes():
    rows = [{"nodes": n, "train": 3e-6 * n**1.5} for n in (1000, 4000, 20000)]
    rows.insert(0, {"nodes": 100, "train": 7.0})  # too small to count
    assert scale.slope(rows, "train") == 1.5
    assert scale.slope(rows[:2], "train") is None


@pytest.mark.parametrize("kind", ["random", "near", "hubs"])
def test_graphs_have_ten_edges_a_node(kind):
    adjacency = speed_worker.graph({"N": 3000, "edges": 10, "graph": kind})
    degrees = np.asarray(adjacency.sum(axis=1)).ravel()
    assert adjacency.nnz == 30_000 and set(adjacency.data) == {1.0}
    assert (adjacency != adjacency.T).nnz == 0 and not adjacency.diagonal().any()
    assert degrees.max() > 200 if kind == "hubs" else degrees.max() < 40


@pytest.mark.skipif(on_fastest(False, True), reason="starts a process with the same code")
def test_speed_runs_and_tables(tmp_path, monkeypatch, capsys):
    backend = keras.backend.backend()
    monkeypatch.setitem(speed.SHAPES, "tiny", TINY)
    options = ["--networks", "GraphConv", "--shapes", "tiny", "--backends", backend]
    options += ["--steps", "2", "--seconds", "0.1", "--threads", "1"]
    command.run("speed", [*options, "--profile", "--out", str(tmp_path / "speed.json")])
    result = json.loads((tmp_path / "speed.json").read_text())
    row = result["tables"]["GraphConv tiny"]["rows"][backend]
    assert row["first"] > row["train"] > 0 and row["memory"] > row["added"] > 0
    peak = 1e9 * result["tables"]["GraphConv tiny"]["peak_gflops"]
    share = 3 * speed.forward_flops("GraphConv", TINY) / row["train"] / peak
    assert row["share"] == pytest.approx(share, rel=0.01, abs=1e-4)
    assert result["command"].endswith("--profile --out speed.json")
    assert result["versions"]["ours"]["keras"] == keras.__version__
    if backend == "torch":  # the only one with a profile
        shares = [operator["share"] for operator in result["profile"]]
        assert shares == sorted(shares, reverse=True) and 0.1 < sum(shares) <= 1.001
    printed = capsys.readouterr().out
    assert printed.startswith(speed.table(result) + "\n")
    assert f"| GraphConv tiny | {backend} | {1e3 * row['train']:.1f} |" in printed
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


def test_a_row_of_the_zoo_is_the_turn_in_the_middle():
    turns = [{"least": least, "memory": 4 * least} for least in (3.0, 1.0, 2.5)]
    assert zoo.middle(turns) == {"least": 2.5, "memory": 10.0, "rounds": [1.0, 2.5, 3.0]}
    assert zoo.middle([turns[0], None]) is None
    figures = {"FaST": {"jax": turns[2], "torch": turns[1], "official": turns[0]}}
    assert zoo.table({"figures": figures}).endswith(
        "| FaST | 2.50 / 10.00 | 1.00 / 4.00 | 3.00 / 12.00 | 3.00 |"
    )


def test_ratios():
    seconds = {"torch": 0.1, "torch, with": 0.04, "PyG": 0.4, "PyG, with": 0.2}
    seconds["torch, before"] = 0.15
    rows = {key: {"train": time, "predict": time / 10} for key, time in seconds.items()}
    speed.add_ratios(rows, "PyG", peak=1e9, work=1e6)
    assert rows["torch"]["share"] == 0.03 and "share" not in rows["PyG"]
    words = ("of_peer", "of_before", "of_without")
    found = {key: [row.get(word) for word in words] for key, row in rows.items()}
    assert found["torch"] == [4.0, 1.5, None] and found["torch, with"] == [5.0, None, 2.5]
    assert found["PyG, with"] == [1.0, None, 2.0] and found["torch, before"][:2] == [2.67, None]


def test_contenders():
    options = ["--backends", "jax", "torch", "--peer", "python", "--against", "old"]
    options += ["--environment", "XLA_FLAGS=--a=1", "B=2"]
    found = speed_turns.contenders(command.parse(scale, options), "PyG")
    names = ["jax", "torch", "PyG", *(f"{name}, with" for name in ("jax", "torch", "PyG"))]
    assert list(found) == [*names, "jax, before", "torch, before"]
    assert [backend for backend, _ in found.values()] == ["jax", "torch", "torch"] * 2 + options[
        1:3
    ]
    variables = {"XLA_FLAGS": "--a=1", "B": "2"}
    assert found["jax, with"][1] == variables
    assert found["PyG, with"][1] == {"python": "python", "peer": True, **variables}
    assert found["jax, before"][1] == {"PYTHONPATH": str(pathlib.Path("old").resolve())}


def test_a_worker_has_its_environment(tmp_path):
    python = tmp_path / "python"  # that only says what A is
    python.write_text("""#!/bin/sh\necho '{"own": 0, "A": "'"$A"'"}'\n""")
    python.chmod(0o755)
    worker = speed_turns.Worker("GraphConv", TINY, "jax", 1, str(python), A="b=c")
    with contextlib.closing(worker):
        assert worker.start["A"] == "b=c"


def test_ratios_stand_in_the_table():
    row = {"train": 0.1, "predict": 0.02, "first": 5.0, "first_counts": True, "memory": 1500}
    row |= {"train_steps": 20, "predict_steps": 0}
    rows = {
        "torch": {**row, "share": 0.375, "of_peer": 4.0, "predict_of_peer": 3.0},
        "PyG ChebConv": {**row, "train": 0.4, "of_peer": 1.0, "predict_of_peer": 1.0},
    }
    text = speed.table({"tables": {"ChebConv seed": {"rows": rows}}}).splitlines()
    assert "times as fast as peer" in text[0] and "before" not in text[0]
    assert text[2] == (
        "| ChebConv seed | torch | 100.0 | 20.0 | 5.0 | 1,500 | 38% | 4.0 / 3.0 | 20 / 0 |"
    )
    assert text[3].startswith("| ChebConv seed | PyG ChebConv | 400.0 |")


@pytest.mark.skipif(on_fastest(False, True), reason="starts and reads processes as `speed` does")
def test_scale_runs_and_tables(tmp_path, capsys):
    backend = keras.backend.backend()
    options = ["--networks", "ChebConv", "--backends", backend, "--graph", "hubs", "--steps", "2"]
    options += ["--seconds", "0.1", "--threads", "1", "--nodes", "200"]
    command.run("scale", [*options, "--out", str(tmp_path / "scale.json")])
    result = json.loads((tmp_path / "scale.json").read_text())
    (row,) = result["lines"][f"ChebConv {backend}"]["rows"]
    assert (row["nodes"], row["edges"]) == (200, 2000) and row["train"] > 0 and row["added"] > 0
    assert f"| {backend}, s a step | {row['train']:.3g} |  |  |" in capsys.readouterr().out
    assert (tmp_path / "scale.png").exists()


def test_table_of_slopes():
    sizes = [1000, 10000, 100000]
    rows = [{"nodes": n, "train": 1e-5 * n, "added": 50 + n / 100} for n in sizes]
    slopes = {"train": [1.0, 1.0], "added": [0.6123, 0.86]}
    result = {"lines": {"STGCN jax": {"rows": rows, "slopes": slopes}}}
    assert scale.table(result).splitlines() == [
        "| STGCN, nodes | 1,000 | 10,000 | 100,000 | slope | at the end |",
        "| --- | --- | --- | --- | --- | --- |",
        "| jax, s a step | 0.01 | 0.1 | 1 | 1.00 | 1.00 |",
        "| jax, MB | 60 | 150 | 1,050 | 0.61 | 0.86 |",
    ]


FILES = {  # results whose tables are in benchmarks/README.md, by the script that made them
    "speed": ["speed", "speed_seed", "speed_first", "speed_layers", "speed_sparse", "before_after"],
    "scale": ["scale", "scale_astgcn", "scale_hubs", "scale_kept", "scale_layers", "scale_near"],
    **{
        name: [name] for name in ("cpu_seconds", "feeding", "import_time", "latency", "link_memory")
    },
    "node_parts": ["node_parts", "node_parts_small"],
    **{name: [name] for name in ("cut_series", "exports", "memory_map", "node_memory", "opening")},
    "partition": ["partition"],
    "processes": ["processes"],
}


@pytest.mark.parametrize("script", FILES)
def test_committed_results_print_the_tables_of_the_readme(script):
    readme = (records.ROOT / "benchmarks" / "README.md").read_text("utf-8")
    for name in FILES[script]:
        result = records.read(records.RESULTS / f"{name}.json")
        for text in importlib.import_module(script).table(result).split("\n\n"):
            assert text in readme, name


def test_the_tables_of_the_front_page_are_those_of_the_results():
    readme = (records.ROOT / "README.md").read_text("utf-8")
    assert front_page.errors() in readme and front_page.backends() in readme
    measured = (records.ROOT / "docs" / "results" / "measured.md").read_text("utf-8")
    assert front_page.errors(front_page.ALL_ROWS) in measured


@pytest.mark.skipif(on_fastest(False, True), reason="tests code that is the same on each backend")
@pytest.mark.skipif("STGKERAS_DATA" not in os.environ, reason="STGKERAS_DATA is not set")
def test_a_preset_is_written_from_its_training(tmp_path, monkeypatch):
    name = "graph_stid_los_loop"
    saved = records.ROOT / "saved_models" / name
    shutil.copy(saved / "model.weights.h5", tmp_path / "best.weights.h5")
    metadata = records.read(saved / "metadata.json")
    best_run = tmp_path, metadata["seed"], metadata["metrics"]
    monkeypatch.setattr(presets, "best_run", lambda *_: best_run)
    presets.forecaster(tmp_path / name, pathlib.Path(os.environ["STGKERAS_DATA"]))
    written = records.read(tmp_path / name / "metadata.json")
    assert {**written, "versions": {}} == {**metadata, "versions": {}}
    assert (tmp_path / name / "README.md").read_text() == (saved / "README.md").read_text()


def test_options():
    script = types.SimpleNamespace(__file__="some/where.py", __doc__="What it does.")
    script.OPTIONS = {
        "data": command.DATA,
        "task": {"choices": ["walk", "run"]},
        "seeds": [0, 1],
        "rows": command.several("ab", "abc"),
        "rate": (0.5, "at first"),
        "is_fast": False,
    }
    args = command.parse(script, ["run", "--data", "/far/folder", "--seeds", "3", "--is-fast"])
    assert (args.task, args.seeds, args.rows, args.rate) == ("run", [3], ["a", "b"], 0.5)
    assert args.is_fast and args.out == records.RESULTS / "where.json"
    about = records.about(args)
    assert about["command"] == "python benchmarks/where.py run --data folder --seeds 3 --is-fast"
    assert about["settings"] == {
        "task": "run",
        "seeds": [3],
        "rows": ["a", "b"],
        "rate": 0.5,
        "is_fast": True,
    }
    assert about["versions"]["backend"] == keras.backend.backend()
    with pytest.raises(SystemExit):
        command.parse(script, ["run", "--data", "here", "--unknown", "1"])
    script.OPTIONS["rest"] = {}
    args = command.parse(script, ["run", "--data", "here", "--unknown", "1"])
    assert args.rest == ["--unknown", "1"]


def test_a_frame_in_markdown_has_the_digits_of_pandas():
    frame = pd.DataFrame({"AP": [0.25, np.nan], "name": ["a b", ""]}, ["first", "second"])
    assert records.markdown_frame(frame, "row").splitlines() == [
        "| row | AP | name |",
        "| --- | --- | --- |",
        "| first | 0.25 | a b |",
        "| second | NaN |  |",
    ]
