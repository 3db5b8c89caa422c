"""The folder of the cache for downloaded and generated data."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from stgkeras import arguments


def cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    """Returns `cache_dir`, or the default: `datasets/stgkeras` in the Keras home.

    The Keras home is `KERAS_HOME` or `~/.keras`. If it is not writable, the folder `.keras` in the
    folder of temporary files takes its place, as in `keras.utils.get_file`.
    """
    if cache_dir is not None:
        return arguments.path("cache_dir", cache_dir)
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    nearest = next(p for p in (home, *home.parents) if p.exists())
    if not os.access(nearest, os.W_OK):
        home = Path(tempfile.gettempdir()) / ".keras"
    return home / "datasets" / "stgkeras"
