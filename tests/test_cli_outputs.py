"""Files that the console script and examples/report.py write, and files that they never replace."""

# ruff: noqa: F811 - fixtures are imported
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from cli_runs import FIT, error, fitted, folder, here, run, speeds  # noqa: F401
from conftest import child_environment, once

from stgkeras import Forecaster
from stgkeras.cli import _parsed, tune, words
from stgkeras.cli.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import report


@once
def test_files_that_a_command_reads_are_never_replaced(fitted, here, error, run):
    speeds().to_csv("mine.csv")
    text = Path("mine.csv").read_text()
    os.symlink("mine.csv", "link.csv")
    os.link("mine.csv", "twin.csv")
    model = Path("city/model.keras").read_bytes()
    os.symlink("city/model.keras", "page.html")
    Path("places.csv").write_text("sensor,latitude,longitude\nA1,1,2\n")
    Path("weather.csv").write_text("time,rain\n")
    for command, out in (
        ("forecast", "mine.csv"),
        ("forecast", "./mine.csv"),
        ("forecast", here / "mine.csv"),
        ("forecast", "link.csv"),
        ("forecast", "twin.csv"),
        ("report", "mine.csv"),
        ("report", "page.html"),
        ("report", "places.csv"),
        ("forecast", "city/forecaster.json"),
        ("forecast", "weather.csv"),
        ("report", "weather.csv"),
        ("backtest", "weather.csv"),
    ):
        more = ("--places", "places.csv") if command == "report" else ()
        more += ("--covariates", "weather.csv") if out == "weather.csv" else ()
        found = error(command, "city", "mine.csv", *more, "--out", out, "--overwrite")
        assert "--out must be another file than those that the command reads" in found
        assert f"Received: {out}, which is " in found and "--overwrite" not in found
    assert Path("mine.csv").read_text() == text
    assert Path("city/model.keras").read_bytes() == model
    assert "a folder" in error("forecast", "city", "mine.csv", "--out", "city", "--overwrite")
    for _ in range(2):  # a file of the user in the folder of the forecaster
        run("forecast", "city", "mine.csv", "--out", "city/next.csv", "--overwrite")
    (here / "city" / "next.csv").unlink()


@once
def test_the_example_report_asks_before_it_replaces_a_page(tmp_path):
    page, data = tmp_path / "report.html", tmp_path / "speeds.csv"
    page.write_text("mine")
    speeds().to_csv(data)
    options = ["nowhere", str(data), "--out"]
    with pytest.raises(UserError, match="report.html, which exists. Pass another, or --overwrite"):
        report.main(report.parse([*options, str(page)]))
    with pytest.raises(UserError, match="another file than those that the command reads"):
        report.main(report.parse([*options, str(data), "--overwrite"]))
    with pytest.raises(ValueError, match="nowhere"):  # the next step: no such model
        report.main(report.parse([*options, str(page), "--overwrite"]))
    assert page.read_text() == "mine"


@once
def test_the_next_command_of_a_search_has_a_free_name(tmp_path):
    parser = argparse.ArgumentParser()
    tune.add_arguments(parser)
    args = parser.parse_args(["a.csv", "b.csv", "--out", str(tmp_path)])
    for name in ("best", "best_2", "best_3"):
        assert tune.command(args, {}).endswith(f" --out {tmp_path / name}")
        (tmp_path / name).mkdir()


@once
def test_a_closed_pipe_ends_the_command_silently(fitted, here):
    """A reader that ends at once, as `head` does after its lines."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "stgkeras", "forecast", "city", "speeds.csv"]
    done = subprocess.run(
        command, env=child_environment(), stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert done.returncode == 141 and "rror" not in done.stderr


@once
def test_percents_add_to_100():
    # By hand: the fractions .6, .6, .5 and .3 share the 2 percents that are left after 98.
    assert words.percents([0.476, 0.286, 0.135, 0.103]) == [48, 29, 13, 10]  # rounded each: 101
    assert words.percents([0.335, 0.335, 0.33]) == [34, 33, 33]
    assert words.percents([1 / 3] * 3) == [34, 33, 33] and words.percents([1.0]) == [100]
    shares = np.random.default_rng(0).dirichlet([1] * 5, 500)
    found = np.array([words.percents(row) for row in shares])
    assert (found.sum(axis=1) == 100).all() and (abs(found - 100 * shares) < 1).all()


@once
def test_the_process_does_not_import_a_backend_that_it_does_not_use(fitted, here):
    """Of PyTorch and JAX, TensorFlow is no part; its log would be among the words of `fit`."""
    read = ["speeds.csv", "roads.csv", *FIT, "--epochs", "1", "--out", "alone"]
    command = [sys.executable, "-X", "importtime", "-m", "stgkeras", "fit", *read]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
    assert done.returncode == 0 and re.search(r"\| +keras$", done.stderr, re.MULTILINE)
    imported = re.search(r"\| +tensorflow$", done.stderr, re.MULTILINE)
    assert bool(imported) == (keras.backend.backend() == "tensorflow")
    alone, city = (Forecaster.load(name) for name in ("alone", "city"))
    for one, other in zip(alone.model.get_weights(), city.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # the same seed


@once
@pytest.mark.parametrize(
    "words",
    [
        "fit --quantiles 0.05,0.5,0.95 speeds.csv roads.csv --key a --key b --out x",
        "fit --quantiles 0.05 --quantiles 0.5,0.95 speeds.csv --key a --key b roads.csv --out x",
        "fit speeds.csv --key a --quantiles 0.05,0.5 roads.csv --key b --out x --quantiles 0.95",
        "fit --key a --key b speeds.csv roads.csv --out x --quantiles 0.05,0.5,0.95",
    ],
)
def test_options_with_several_values_take_no_files(words):
    args = _parsed(words.split())
    assert (args.readings, args.roads) == ("speeds.csv", "roads.csv")
    assert (args.quantiles, args.key) == ([0.05, 0.5, 0.95], ["a", "b"])


@once
def test_quantiles_that_are_no_numbers(capsys):
    with pytest.raises(SystemExit):
        _parsed("fit a.csv b.csv --out x --quantiles 0.05 0.5".split())
    assert "unrecognized arguments: 0.5" in capsys.readouterr().err
    for text in ("0.05;0.5", "0.5,", ""):
        with pytest.raises(SystemExit):
            _parsed(["fit", "a.csv", "--out", "x", "--quantiles", text])
        message = "must be numbers with commas between them, such as 0.05,0.5,0.95. Received: "
        assert message + text in capsys.readouterr().err
