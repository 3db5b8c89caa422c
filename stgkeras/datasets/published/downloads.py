"""Downloads into the cache: whole and checked, or not at all."""

import hashlib
import os
import tempfile
from pathlib import Path


def download(url, path, digest, instead):
    """Fetches a file, unless it is there and whole. Shows the progress.

    It is written to a temporary folder, checked and moved: whatever goes wrong on the way, `path`
    holds a whole file or none.

    Args:
        url: str.
        path: where the file goes; folders are made.
        digest: str or None. Its SHA-256 (64 digits) or MD5 (32 digits) sum; None: not checked.
        instead: str. What to do if it cannot be had: the end of the error message.

    Returns:
        `pathlib.Path`, absolute.

    Raises:
        OSError: if the download fails, or what comes has another sum.
    """
    path = Path(path).absolute()  # as `get_file` needs it
    if path.is_file() and (digest is None or _digest(path, digest) == digest):
        return path
    import keras  # needs a backend, so only where there is something to download

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as unfinished:
        try:
            whole = keras.utils.get_file(path.name, url, file_hash=digest, cache_subdir=unfinished)
        except Exception as error:  # Keras raises no narrower one
            raise OSError(
                f"{url} could not be downloaded ({error}). Try again, or {instead}."
            ) from error
        os.replace(whole, path)
    return path


def _digest(path, like):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5" if len(like) == 32 else "sha256").hexdigest()
