"""Paths that users pass, and the folder of the cache for downloaded and generated data."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any


def as_path(name: str, value: Any) -> Path:
    """Returns an argument as a path; raises TypeError if it is no path."""
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise TypeError(
            f"`{name}` must be a path: a str or a `pathlib.Path`. Received: {name}={value!r}"
        )
    return Path(value)


def cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    """Returns `cache_dir`, or the default: `datasets/stgkeras` in the Keras home.

    The Keras home is `KERAS_HOME` or `~/.keras`. If it is not writable, the folder `.keras` in the
    folder of temporary files takes its place, as in `keras.utils.get_file`.
    """
    if cache_dir is not None:
        return as_path("cache_dir", cache_dir)
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    nearest = next(p for p in (home, *home.parents) if p.exists())
    if not os.access(nearest, os.W_OK):
        home = Path(tempfile.gettempdir()) / ".keras"
    return home / "datasets" / "stgkeras"
