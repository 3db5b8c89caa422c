"""Files and folders that commands write. A command never replaces a file that it reads."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
from typing import Any

from stgkeras.cli.errors import UserError

# Endings of files that a user may have written into the folder of a forecaster.
WRITTEN = (".csv", ".html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the option to replace a file."""
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")


def is_free(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path can be a new folder: it does not exist, or is an empty folder."""
    folder = pathlib.Path(path)
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def write_record(folder: pathlib.Path, **results: Any) -> None:
    """Writes metrics.json: the command, the versions and results.

    Args:
        folder: path of the folder.
        **results: objects that JSON can hold. A pandas frame becomes a dict of its rows.
    """
    import keras
    import pandas as pd

    for name, value in results.items():
        if isinstance(value, pd.DataFrame):
            results[name] = json.loads(value.to_json(orient="index"))  # NaN becomes null
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    record = {"command": sys.argv, "versions": versions, **results}
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))


def check_new_folder(path: str | os.PathLike[str]) -> None:
    """Raises UserError if the folder of `--out` exists and is not empty."""
    if not is_free(path):
        raise UserError(
            f"--out must be a new folder. Received: {path}, which exists. Pass another."
        )


def check_new_file(
    path: str | None, overwrite: bool, *inputs: str | None, name: str = "--out"
) -> None:
    """Checks the file of `--out`, or of another option.

    Args:
        path: path of the file. None: no file is written.
        overwrite: bool. Whether the file may exist.
        *inputs: files and folders that the command reads, or None. They are never replaced, even
            if `path` is another name of them, such as a link.
        name: str. The option, which the errors name.

    Raises:
        UserError: if the file must not be written.
    """
    if path is None:
        return
    out = pathlib.Path(path)
    if out.is_dir():
        raise UserError(f"{name} must be a file. Received: {path}, a folder. Pass another name.")
    if not out.parent.is_dir():
        raise UserError(f"{name} must be in an existing folder. Received: {path}. Create it.")
    if not out.exists():
        return
    for file in (file for one in inputs if one for file in _files(pathlib.Path(one))):
        if out.samefile(file):
            raise UserError(
                f"{name} must be another file than those that the command reads. Received: "
                f"{path}, which is {file}. Pass another name."
            )
    if not overwrite:
        raise UserError(
            f"{name} must be a new file. Received: {path}, which exists. Pass another, or "
            "--overwrite."
        )


def _files(path):
    if path.is_dir():
        return [p for p in path.rglob("*") if p.is_file() and p.suffix not in WRITTEN]
    return [path] if path.exists() else []
