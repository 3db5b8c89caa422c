"""Parts of all scripts with options, such as those in examples/: folders, errors, records."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stgkeras.cli import outputs
from stgkeras.cli.errors import UserError, in_options, option
from stgkeras.cli.option_types import count, seed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def parser(text: str | None, epochs: int | None) -> argparse.ArgumentParser:
    """Returns a parser with the options that all trainings share: `--epochs`, `--seed`, `--out`.

    Args:
        text: str. The docstring of the script, which `--help` shows as it is.
        epochs: int. Default of `--epochs`. None, for a script that trains no model: the parser has
            no options.

    Example:
        >>> from stgkeras.cli import scripts
        >>> scripts.parser("What it does.", epochs=12).parse_args(["--seed", "1"]).epochs
        12
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # Keras imports TensorFlow for its seed
    form = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(description=text, formatter_class=form, allow_abbrev=False)
    if epochs is not None:
        found.add_argument("--epochs", type=count, default=epochs, help=f"epochs ({epochs})")
        found.add_argument("--seed", type=seed, default=0, help="random seed (0)")
        found.add_argument("--out", help="output folder; default: a new one in runs/")
    return found


def usual_folder(name: str) -> str:
    """Returns the path of the folder of a run without `--out`: "runs/NAME-DATE-TIME".

    Example:
        >>> from stgkeras.cli import scripts
        >>> scripts.usual_folder("links")[:11]
        'runs/links-'
    """
    return f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def new_folder(path: str | os.PathLike[str] | None, name: str) -> pathlib.Path:
    """Creates the folder of a run, and ends the script if the folder is not empty.

    Args:
        path: path of the folder, the option `--out`. None: `usual_folder(name)`.
        name: str. Name of the script.

    Returns:
        `pathlib.Path`.

    Example:
        >>> import tempfile
        >>> from stgkeras.cli.scripts import new_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     new_folder(folder + "/run", "links").name
        'run'
    """
    folder = pathlib.Path(path or usual_folder(name))
    if not outputs.is_free(folder):
        sys.exit(f"{folder} is not empty. Perhaps it already holds a run. Pass another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def in_option_names(args: argparse.Namespace, **names: str) -> Iterator[None]:
    """Ends the script at an error of the library, with a message that names the user's options.

    Use this context only for steps that read options and files. Errors of other steps need their
    traceback.

    Args:
        args: parsed arguments. An error about the argument `num_days` of the library names the
            option `--num-days` if `args` has it.
        **names: other arguments → options or files, such as `path=args.contacts`.

    Example:
        >>> import argparse
        >>> from stgkeras import datasets
        >>> from stgkeras.cli.scripts import in_option_names
        >>> try:
        ...     with in_option_names(argparse.Namespace(days=0), num_days="--days"):
        ...         datasets.make_contacts(num_days=0)
        ... except SystemExit as error:
        ...     print(error)
        --days must be from 1 to 1000. Received: --days 0
    """
    found = {"`None`": "-", "` to `load_contacts`": "`"}
    for name, value in vars(args).items():
        found[name] = f"{option(name)} …" if isinstance(value, list) else option(name)
        if isinstance(value, bool):
            found[f"{name}=True"] = option(name)
    try:
        with in_options(found | names):
            yield
    except UserError as error:
        sys.exit(str(error))


def over_seeds(
    runs: Sequence[Mapping[str, float]], baselines: Mapping[str, Mapping[str, float]] | None = None
) -> pd.DataFrame:
    """Returns a table of runs, with their mean and standard deviation if there are several.

    Args:
        runs: sequence of dicts with the same keys, one of them "seed".
        baselines: dict of name → dict with the same keys, without "seed". They do not depend on the
            seed.

    Returns:
        pandas frame with a row for each seed and each baseline.

    Example:
        >>> from stgkeras.cli import scripts
        >>> scripts.over_seeds([{"seed": 0, "AP": 0.5}, {"seed": 1, "AP": 0.7}]).loc["mean", "AP"]
        np.float64(0.6)
    """
    import pandas as pd

    table = pd.DataFrame(runs).set_index("seed").rename(index=str)
    if len(runs) > 1:
        table.loc["mean"], table.loc["std"] = table.mean(), table.std()
    for name, row in (baselines or {}).items():
        table.loc[name] = row
    return table


def finish(
    folder: pathlib.Path,
    title: str,
    table: pd.DataFrame | Sequence[Mapping[str, Any]],
    figures: Mapping[str, Figure] | None = None,
    **results: Any,
) -> None:
    """Writes the results of a run, and prints the table and the next command.

    Args:
        folder: path of the run. The function writes metrics.json with the command, the versions and
            `results`, and a PNG file for each figure.
        title: str. What the table shows.
        table: pandas frame with a named row for each model or baseline, or a list of rows.
        figures: dict of name → figure, or None.
        **results: objects that JSON can hold. A pandas frame becomes a dict of its rows.

    Example:
        >>> import pandas, pathlib, tempfile
        >>> from stgkeras.cli import scripts
        >>> table = pandas.DataFrame({"AP": [0.5]}, ["model"])
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> (folder / "tensorboard").mkdir()
        >>> scripts.finish(folder, "Test scores", table, test=table)  # doctest: +ELLIPSIS
        <BLANKLINE>
        Test scores
                AP
        model  0.5
        <BLANKLINE>
        All files are in ... Next, look at the figures there, and at the training with
          tensorboard --logdir ...
    """
    import pandas as pd

    outputs.write_record(folder, **results)
    for name, figure in (figures or {}).items():
        figure.savefig(folder / f"{name}.png", dpi=150)
    is_frame = isinstance(table, pd.DataFrame)
    print(f"\n{title}\n{pd.DataFrame(table).round(4).to_string(index=is_frame)}")
    start = f"\nAll files are in {folder}. Next, look at"
    if (folder / "tensorboard").exists():
        command = f"tensorboard --logdir {shlex.quote(str(folder))}"
        print(f"{start} the figures there, and at the training with\n  {command}")
    else:
        files = [f"python -m webbrowser {path.as_uri()}" for path in folder.resolve().glob("*.png")]
        print("\n  ".join([f"{start} the figures with", *sorted(files)]))
