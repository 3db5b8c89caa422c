"""The unfinished run of `stgkeras fit`: a folder with the checkpoint and the options of the run."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping, Sequence, Set
from typing import Any

from stgkeras.cli.errors import UserError, option

# A resumed run may change these.
FREE = {"command", "words", "run", "out", "epochs", "resume", "debug", "devices", "processes"}
FILES = ("readings", "roads", "covariates", "attributes")
PLACES = {name: name for name in FILES[:2]}  # positional arguments: errors name them without "--"
ENDING = ".partial"
CHECKPOINT, BEST, RECORD = "checkpoint.keras", "checkpoint.best.npz", "run.json"


class Partial:
    """Context of a run: the folder `OUT.partial`, which remains if the run is interrupted.

    Args:
        args: arguments of `stgkeras fit`.
        is_first: bool. Whether this process writes the files.

    Raises:
        UserError: if there is an unfinished run and `--resume` is missing, or if the unfinished
            run had other options or files.
    """

    def __init__(self, args: argparse.Namespace, is_first: bool) -> None:
        out = pathlib.Path(args.out)
        self.folder = out.with_name(out.name + ENDING)
        self.checkpoint = self.folder / CHECKPOINT
        is_there = self.checkpoint.exists() and (self.folder / RECORD).exists()
        if is_there and not args.resume:
            raise UserError(
                f"{self.folder} holds an unfinished run. Pass --resume to continue it, or remove "
                "the folder."
            )
        self.is_first = is_first
        if is_first:
            begin(self.folder, record(args), is_there)

    def __enter__(self) -> Partial:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.is_first or (kind is not None and self.checkpoint.exists()):
            return
        for name in (CHECKPOINT, BEST, RECORD):
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


def check_finished(folder: str, name: str) -> None:
    """Raises UserError if the run that writes a forecaster is not finished.

    Args:
        folder: path of the forecaster.
        name: how the error names the folder.
    """
    path = pathlib.Path(folder)
    if path.name in ("", ".."):  # the working directory, or one above it
        path = pathlib.Path(os.path.abspath(folder))
    if not path.name:
        return
    unfinished = path.with_name(path.name.removesuffix(ENDING) + ENDING)
    if (path == unfinished or not path.exists()) and (unfinished / RECORD).is_file():
        raise UserError(
            f"{name} must be a folder that `stgkeras fit` wrote. Received: {folder}, but "
            f"{unfinished} holds an unfinished run. Finish it first: repeat its command "
            f"`stgkeras fit … --out {str(unfinished).removesuffix(ENDING)}` with --resume."
        )


def begin(
    folder: pathlib.Path,
    now: Mapping[str, Any],
    resumed: bool,
    names: Mapping[str, str] = PLACES,
) -> None:
    """Writes the record of a new run, or compares it with that of a resumed run.

    Args:
        folder: path of the run. It is created if it does not exist.
        now: dict that `record` returned.
        resumed: bool. Whether the folder holds a run.
        names: as in `compare`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RECORD
    if not resumed:
        path.write_text(json.dumps(now, indent=1), "utf-8")
    elif path.exists():
        compare(json.loads(path.read_text("utf-8")), now, folder, names)
    else:
        print(f"{path} does not exist. The options of the run cannot be compared.")


def compare(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    folder: pathlib.Path,
    names: Mapping[str, str] = PLACES,
) -> None:
    """Raises UserError if two records of options and files differ.

    Args:
        before, now: dicts that `record` returned.
        folder: path of the run.
        names: dict of argument → how the error names it. Default of an argument: its option.
    """
    for name in sorted({**before, **now}, key=lambda name: name not in names):
        old, new = before.get(name), now.get(name)
        if old != new:
            typed = names.get(name, option(name))
            old, new = _as_typed(typed, old), _as_typed(typed, new)
            raise UserError(
                f"{names.get('resume', '--resume')} must have the options and files of the "
                f"run in {folder}. Received: {new}, before "
                f"{old.removeprefix(f'{typed} ')}. Pass the same, or remove the folder."
            )


def record(
    args: argparse.Namespace, free: Set[str] = FREE, files: Sequence[str] = FILES
) -> dict[str, Any]:
    """Returns the options of a run, without the `free` ones, and the checksums of its files."""
    found = {name: value for name, value in vars(args).items() if name not in free}
    for name in files:
        path = found.get(name)
        if path is not None and pathlib.Path(path).is_file():
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[name] = {"path": str(path), "sha256": digest}
    return found


def _as_typed(name, value):
    """Returns an option with a value of a record, as a user types it; or "no --option"."""
    if value is None or value is False or value == []:
        return f"no {name}"
    if value is True:
        return name
    if isinstance(value, dict) and "sha256" in value:
        return f"{name} {value['path']} (SHA-256 {value['sha256'][:8]})"
    values = value if isinstance(value, list) else [value]
    return " ".join(f"{name} {one}" for one in values)
