"""Paths that users pass."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def as_path(name: str, value: Any) -> Path:
    """Returns an argument as a path; raises TypeError if it is no path."""
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise TypeError(
            f"`{name}` must be a path: a str or a `pathlib.Path`. Received: {name}={value!r}"
        )
    return Path(value)
