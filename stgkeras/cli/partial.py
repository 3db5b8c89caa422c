"""The unfinished run of `stgkeras fit`: a folder with the checkpoint and the options of the run."""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
from collections.abc import Mapping, Set
from typing import Any

from stgkeras.cli.errors import UserError

# Options that a resumed run may change.
FREE = {"command", "run", "out", "epochs", "resume", "debug"}
CHECKPOINT, BEST, RECORD = "checkpoint.keras", "checkpoint.best.npz", "run.json"


class Partial:
    """Context of a run: the folder `OUT.partial`, which remains if the run is interrupted.

    Args:
        args: arguments of `stgkeras fit`.

    Raises:
        UserError: if there is an unfinished run and `--resume` is missing, or if the unfinished
            run had other options or files.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        out = pathlib.Path(args.out)
        self.folder = out.with_name(f"{out.name}.partial")
        self.checkpoint = self.folder / CHECKPOINT
        now, path = record(args), self.folder / RECORD
        if self.checkpoint.exists() and path.exists():
            if not args.resume:
                raise UserError(
                    f"{self.folder} holds an unfinished run. Pass --resume to continue it, or "
                    "remove the folder."
                )
            compare(json.loads(path.read_text("utf-8")), now, self.folder)
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(now, indent=1), "utf-8")

    def __enter__(self) -> Partial:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.checkpoint.exists():
            return
        for name in (CHECKPOINT, BEST, RECORD):
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


def compare(before: Mapping[str, Any], now: Mapping[str, Any], folder: pathlib.Path) -> None:
    """Raises UserError if two records of options and files differ."""
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old != new:
            option = f"--{name.replace('_', '-')}"
            if isinstance(old or new, dict):  # a file
                option, old, new = name, _file_text(old), _file_text(new)
            raise UserError(
                f"--resume must have the options and files of the unfinished run in {folder}. "
                f"Received: {option} {new}, before {old}. Pass the same, or remove the folder."
            )


def record(args: argparse.Namespace, free: Set[str] = FREE) -> dict[str, Any]:
    """Returns the options of a run, without the `free` ones, and the checksums of its files."""
    found = {name: value for name, value in vars(args).items() if name not in free}
    for name in ("readings", "roads"):
        path = found[name]
        if path is not None:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[name] = {"path": path, "sha256": digest}
    return found


def _file_text(found):
    return "no file" if found is None else f"{found['path']} (SHA-256 {found['sha256'][:8]})"
