"""Downloads files into the cache and checks them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def download(url: str, path: str | os.PathLike[str], digest: str | None, instead: str) -> Path:
    """Downloads a file, unless an undamaged copy exists. Shows the progress.

    The file is written to a temporary folder, checked, and then moved. If the download fails,
    no incomplete file remains at `path`.

    Args:
        url: str. Address of the file.
        path: path of the copy. Missing folders are created.
        digest: str or None. SHA-256 (64 digits) or MD5 (32 digits) checksum. None: not checked.
        instead: str. What to do if the download fails: the end of the error message.

    Returns:
        `pathlib.Path`, absolute.

    Raises:
        OSError: if the download fails, or the downloaded file has another checksum.
    """
    path = Path(path).absolute()  # `get_file` needs an absolute path
    if path.is_file() and (digest is None or _digest(path, digest) == digest):
        return path
    import keras  # needs a backend; data in the cache can be read without one

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as unfinished:
        try:
            whole = keras.utils.get_file(path.name, url, file_hash=digest, cache_subdir=unfinished)
        except Exception as error:  # Keras raises a plain Exception
            raise OSError(
                f"{url} could not be downloaded ({error}). Try again, or {instead}."
            ) from error
        os.replace(whole, path)
    return path


def _digest(path, like):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5" if len(like) == 32 else "sha256").hexdigest()
