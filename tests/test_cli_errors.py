"""Errors, warnings and help of the console script, in the words of the command line."""

# ruff: noqa: F811 - fixtures are imported
import re
import shlex
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from cli_runs import FIT, ROADS, SENSORS, error, fitted, folder, here, run, speeds, table  # noqa: F401
from conftest import child_environment, on_fastest, once

import stgkeras
from stgkeras.cli import evaluate, main
from stgkeras.cli.errors import ROWS, translated
from stgkeras.cli.reading import NAMES

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "guide"


WRONG = {
    "gone.csv must be the path of an existing file": ["gone.csv", "roads.csv"],
    "speeds.txt must end in .npz, .csv": ["speeds.txt", "roads.csv"],
    "gone.npz must be the path of an existing file": ["speeds.csv", "gone.npz"],
    "ROADS must be given": ["speeds.csv"],
    "pass --unknown drop": ["speeds.csv", "other_roads.csv"],
    "--timezone must be an IANA name .* Received: --timezone Europe/Wien.": [
        *("speeds.csv", "roads.csv", "--timezone", "Europe/Wien"),
    ],
    "empty.csv must not hold NaN.* pass --null-value nan": ["empty.csv", "roads.csv"],
    "--null-value must be a number": ["speeds.csv", "roads.csv", "--null-value", "none"],
    "--null-value must name features .* Received: --null-value flow=0": [
        *("speeds.csv", "roads.csv", "--null-value", "flow=0"),
    ],
    "--holidays must be dates, or a country code .* --holidays XX": [
        *("speeds.csv", "roads.csv", "--holidays", "XX"),
    ],
    "--interval must agree with the timestamps": ["speeds.csv", "roads.csv", "--interval", "7"],
    "--key must not be used with a csv file": ["speeds.csv", "roads.csv", "--key", "speed"],
    "--sensor must name the column of sensors": ["speeds.csv", "roads.csv", "--layout", "long"],
    "--model must be one of .* --model Foo": ["speeds.csv", "roads.csv", "--model", "Foo"],
    "--targets must name features .* --targets flow": [
        *("speeds.csv", "roads.csv", "--targets", "flow"),
    ],
    "--set dropout must be at least 0 and below 1. Received: --set dropout=2": [
        *("speeds.csv", "roads.csv", "--set", "dropout=2"),
    ],
    "--set units must be an integer of at least 1. Received: --set units=-3": [
        *("speeds.csv", "roads.csv", "--set", "units=-3", "--units", "km/h"),
    ],
    "--set must name arguments of GraphSTID: K, .* Received: unit, horizon": [
        *("speeds.csv", "roads.csv", "--set", "unit=3", "--set", "horizon=2"),
    ],
    "--set must be NAME=VALUE": ["speeds.csv", "roads.csv", "--set", "units"],
    "The training part must have": ["speeds.csv", "roads.csv", "--horizon", "100"],
}


@once
@pytest.mark.parametrize("message", WRONG)
def test_errors_of_fit_name_options_and_files(message, here, error):
    speeds().to_csv("speeds.txt")
    empty = speeds()
    empty.iloc[5, 2] = np.nan
    empty.to_csv("empty.csv")
    pd.DataFrame([("A1", "Z9"), *ROADS], columns=["from", "to"]).to_csv(
        "other_roads.csv", index=False
    )
    text = error("fit", *WRONG[message], "--out", "wrong")
    assert re.search(message, text)
    assert not re.search(r"\b(null_value|timezone|graph|path|regularize)\b[`=]", text)
    assert not list(here.glob("wrong*"))


@once
def test_errors_of_forecast_and_evaluate_name_the_files(fitted, here, error):
    assert "nowhere must be a folder that `stgkeras fit` wrote" in error(
        "forecast", "nowhere", "speeds.csv"
    )
    assert "gone.csv must be the path" in error("evaluate", "city", "gone.csv")
    speeds()[-5:].to_csv("few.csv")
    text = error("forecast", "city", "few.csv")
    assert "few.csv must have readings of the last 12 steps of 60 minutes" in text
    assert "few.csv must have at least 15 steps" in error("evaluate", "city", "few.csv")
    speeds().rename(columns={"A1": "Z9"}).to_csv("unknown.csv")
    text = error("forecast", "city", "unknown.csv")
    assert "'Z9', which it does not know" in text and text.endswith("pass --ignore Z9.\n")
    assert "--out must be in an existing folder" in error(
        "forecast", "city", "speeds.csv", "--out", "no/such.csv"
    )


def test_debug_shows_the_traceback(here):
    with pytest.raises(Exception, match="gone.csv must be") as caught:
        main(["fit", "gone.csv", "--out", "wrong", "--debug"])
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@once
@pytest.mark.parametrize(
    ("message", "want"),
    on_fastest(
        [
            ("Pass `regularize=True`.", "Pass --mend."),
            ('Pass `duplicates="first"` or `"mean"`.', "Pass --mend."),
            ('Use `layout="wide"`.', "Use --layout wide."),
            ("Pass `ignore=['my id']`.", "Pass --ignore 'my id'."),
            ("`key` must be None for a table.", "--key must not be used with a table."),
            ("Received: timezone=None, x=2.\nUse it.", "Received: no --timezone, x=2. Use it."),
            ("Received: units=('km/h', 'a')", "Received: --units km/h --units a"),
            ("Pass `null_value=np.nan`, `times`.", "Pass --null-value nan, `times`."),
            ("`key=pandas.read_csv(path)[0]`", "`key=pandas.read_csv(path)[0]`"),
            ("Received: '' in row 3", f"Received: '' in row 3. {ROWS}"),
        ],
        [],
    ),
)
def test_translation_of_arguments(message, want):
    assert translated(message, NAMES) == want


@once
def test_options_of_the_command_line_itself(capsys):
    for arguments in ([], ["fit", "a.csv"], ["fit", "a.csv", "--out", "b", "--horizon", "0"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "must be an int of at least 1. Received: 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["fit", "a.csv", "--out", "b", "--horizn=3"])
    printed = capsys.readouterr().err
    assert "usage: stgkeras fit" in printed
    assert printed.endswith("unrecognized arguments: --horizn=3 (did you mean --horizon?)\n")
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    backend = keras.backend.backend()
    assert capsys.readouterr().out == (
        f"stgkeras {stgkeras.__version__}, Keras {keras.__version__}, "
        f"{backend} {metadata.version(backend)}\n"
    )


def test_warnings_are_one_line(monkeypatch, capsys):
    def warn(args):
        warnings.warn("The graph has no edge.", stacklevel=1)

    monkeypatch.setattr(evaluate, "run", warn)
    assert main(["evaluate", "city", "speeds.csv"]) == 0
    assert capsys.readouterr().err == "stgkeras evaluate: warning: The graph has no edge.\n"


@once
@pytest.mark.filterwarnings("ignore:The validation part has")
def test_commands_of_the_guide_run(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    speeds(20).to_csv("speeds.csv")
    speeds(20)[-24:].to_csv("newest.csv")
    roads = pd.DataFrame(ROADS, columns=["from", "to"])
    roads.assign(distance=1.2).to_csv("roads.csv", index=False)
    texts = [(GUIDE / name).read_text("utf-8") for name in ("forecast.md", "tune.md")]
    lines = re.findall(r"^stgkeras (.*)$", "\n".join(texts), re.MULTILINE)
    assert {line.split()[0] for line in lines} == {
        *("fit", "forecast", "evaluate", "backtest", "report", "tune")
    }
    quick = {name: ["--epochs", "1"] for name in ("fit", "backtest", "tune")}
    quick["tune"] += ["--trials", "1"]
    for line in lines:
        run(*shlex.split(line), *quick.get(line.split()[0], []))
    assert len(pd.read_csv("next_hour.csv")) == 12 * 6


@once
def test_help_needs_no_backend(tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stgkeras", "--help"],
        env=child_environment(KERAS_BACKEND="none"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(command in done.stdout for command in ("fit", "forecast", "report"))
    assert not re.search(r"\| +(numpy|pandas|keras|scipy)$", done.stderr, re.MULTILINE)


@once
def test_forecast_names_only_its_own_options(fitted, here, error, run):
    newest = speeds()[-30:]
    pd.concat([newest, newest[-1:]]).to_csv("twice.csv")
    text = error("forecast", "city", "twice.csv")
    assert text.count("--mend") == 1 and "argument of the readers" not in text
    run("forecast", "city", "twice.csv", "--mend")
    early = newest[-24:].set_axis(newest.index[-24:] - pd.Timedelta("4D"))  # 6 May, all day
    early.to_csv("early.csv", date_format="%d/%m/%Y %H:%M")
    text = error("forecast", "city", "early.csv")
    assert "pass --day-first (day first) or --month-first (month first)" in text
    first = run("forecast", "city", "early.csv", "--day-first")[0].splitlines()[1]
    assert first.startswith("2024-05-07 00:00:00+02:00")
    first = run("forecast", "city", "early.csv", "--month-first")[0].splitlines()[1]
    assert first.startswith("2024-06-06 00:00:00+02:00")


@once
def test_newest_readings_with_offsets_lead_to_a_zone(fitted, here, error, run):
    newest = speeds()[-30:].tz_localize("Europe/Vienna")
    newest.tz_convert("UTC").to_csv("utc.csv", date_format="%Y-%m-%dT%H:%MZ")
    fit = ["--horizon", "3", "--set", "units=4", "--set", "num_blocks=1", "--epochs", "1"]
    run("fit", "speeds.csv", "roads.csv", *fit, "--out", "nozone")
    text = error("forecast", "nozone", "utc.csv")
    assert "utc.csv must have times without a time zone" in text
    assert "`stgkeras fit --timezone`" in text and "--timezone Europe" not in text
    out = run("forecast", "city", "utc.csv")[0]  # that was fitted with --timezone
    assert out.splitlines()[1].startswith("2024-05-11 00:00:00+02:00")


@once
def test_order_of_dates_of_the_training_file(here, run):
    text = speeds().set_axis(speeds().index + pd.Timedelta("10D"))  # 11 to 20 May
    text.to_csv("order.csv", date_format="%d/%m/%Y %H:%M")
    fit = ["--horizon", "3", "--set", "units=4", "--set", "num_blocks=1", "--epochs", "1"]
    run("fit", "order.csv", "roads.csv", *fit, "--out", "order")
    speeds()[:30].to_csv("early.csv", date_format="%d/%m/%Y %H:%M")
    out = run("forecast", "order", "early.csv")[0]
    assert out.splitlines()[1].startswith("2024-05-02 06:00:00")
    assert run("evaluate", "order", "early.csv")


@once
@pytest.mark.filterwarnings("default")
def test_a_total_is_a_warning_with_the_option(here, capsys):
    speeds().assign(Total=speeds().sum(axis=1)).to_csv("total.csv")
    assert main(["fit", "total.csv", "roads.csv", "--model", "Foo", "--out", "total"]) == 2
    text = capsys.readouterr().err
    assert "warning: total.csv has the sensor 'Total'" in text
    assert "pass --ignore Total;" in text


@once
def test_unknown_sensors_are_ignored_by_the_option_of_the_message(fitted, here, error, run):
    speeds()[-30:].assign(**{"Z 9": 1.0, "Z8": 2.0}).to_csv("more.csv")
    text = error("forecast", "city", "more.csv", "--ignore", "Z8")
    assert text.endswith("To leave it out, pass --ignore 'Z 9'.\n")
    text = error("evaluate", "city", "more.csv")
    assert text.endswith("To leave them out, pass --ignore 'Z 9' --ignore Z8.\n")
    run("forecast", "city", "more.csv", "--ignore", "Z 9", "--ignore", "Z8")
    long = speeds()[-30:].assign(Z9=1.0).rename_axis(columns="sensor").stack().rename("speed")
    long.reset_index().to_csv("rows.csv", index=False)  # --ignore is for columns
    text = error("forecast", "city", "rows.csv")
    assert "'Z9', which it does not know" in text and "--ignore" not in text
    speeds()[-30:].rename(columns={"007": "7"}).to_csv("zeros.csv")
    text = error("forecast", "city", "zeros.csv")
    assert "seems to be the sensor '007'" in text and "--ignore" not in text


@once
def test_an_unfinished_run_is_no_forecaster(here, error):
    partial = here / "killed.partial"
    partial.mkdir()
    (partial / "run.json").write_text("{}")
    commands = [(name, "killed", "speeds.csv") for name in ("forecast", "evaluate", "report")]
    commands += [
        ("forecast", "killed.partial", "speeds.csv"),
        ("evaluate", "killed/", "speeds.csv"),
    ]
    commands += [("fit", "speeds.csv", "roads.csv", "--initial", "killed", "--out", "new")]
    for command in commands:
        text = error(*command)
        assert "but killed.partial holds an unfinished run. Finish it first: repeat its" in text
        assert "`stgkeras fit … --out killed` with --resume." in text
    assert "nowhere must be a folder that `stgkeras fit` wrote" in error(
        "forecast", "nowhere", "speeds.csv"
    )


@once
@pytest.mark.parametrize(
    "option, message",
    [
        ("--start=abc", "must be a share such as 0.5, or a number of steps"),
        ("--stride=2.5", "must be an int of at least 1"),
        ("--seed=x", "must be an int in [0, 2**32)"),
        ("--learning-rate=fast", "must be above 0 and below 1"),
    ],
)
def test_numbers_that_are_none_name_the_rule(option, message, capsys):
    with pytest.raises(SystemExit):
        main(["backtest", "city", "speeds.csv", option])
    name, value = option.split("=")
    assert f"argument {name}: {message}" in (found := capsys.readouterr().err)
    assert f"Received: {value}" in found and "invalid" not in found
