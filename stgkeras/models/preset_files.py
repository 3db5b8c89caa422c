"""Files of trained models (presets): a folder with the config, the weights and their metadata."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

import keras

from stgkeras import _processes, arguments
from stgkeras.models import saved_form

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
KEYS = ("data", "split", "scaler", "seed", "command", "versions", "metrics")
PACKAGE = pathlib.Path(__file__).resolve().parent.parent


def presets() -> dict[str, dict[str, Any]]:
    """Lists the trained models (presets) of the library.

    Open a model with `from_preset`, for example `models.GraphSTID.from_preset(name)`.

    Returns:
        dict of names and metadata. The metadata are a dict with the keys "data", "split", "scaler",
        "seed", "command", "versions" and "metrics" (test metrics).

    Example:
        >>> import stgkeras
        >>> names = list(stgkeras.models.presets())
    """
    return {name: metadata(_shipped() / name) for name in names()}


def names() -> list[str]:
    """Returns the names of the presets of the library."""
    return sorted(path.parent.name for path in _shipped().glob(f"*/{METADATA}"))


def metadata(preset: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the metadata of a preset."""
    return json.loads((_folder("preset", preset) / METADATA).read_text("utf-8"))


def load(preset: str | os.PathLike[str], cls: type = keras.Model, argument: str = "preset") -> Any:
    """Opens a preset.

    Args:
        preset: str or path. A name from `presets()`, or a folder written by `save`.
        cls: class that the model must have. Default `keras.Model`.
        argument: str. Name of `preset` in error messages.
    """
    folder = _folder(argument, preset)
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"`{argument}` must be a folder with {CONFIG} and {WEIGHTS}. Received: {folder} "
            f"without {missing}. Pass a folder that `save_to_preset` wrote."
        )
    try:
        with saved_form.weights_follow():
            model = keras.saving.deserialize_keras_object(
                json.loads((folder / CONFIG).read_text("utf-8"))
            )
        if not isinstance(model, keras.Model):
            raise ValueError(f"{CONFIG} describes no model")
        model.load_weights(folder / WEIGHTS)
    except Exception as error:  # Keras and the constructors raise many kinds for a damaged file
        raise ValueError(
            f"`{argument}` must hold a model that this version can open. Received: "
            f"{folder}, written by {_versions(folder)}, with {type(error).__name__}: {error}. Use "
            "the versions that wrote the model, or an undamaged copy."
        ) from error
    if not isinstance(model, cls):
        found = type(model).__name__
        raise ValueError(
            f"`preset` must hold a model of class {cls.__name__}. Received: preset="
            f"{str(preset)!r} of class {found}. Use `stgkeras.models.{found}.from_preset`."
        )
    return model


def save(model: Any, folder: str | os.PathLike[str], metadata: Mapping[str, Any]) -> None:
    """Writes a preset. If an error occurs, no files are left."""
    folder = arguments.path("folder", folder)
    if not isinstance(metadata, Mapping):
        raise TypeError(
            f"`metadata` must be a dict with the keys {list(KEYS)}. Received: {metadata!r}."
        )
    if folder.exists():
        raise ValueError(
            f"`folder` must not exist yet. Received: folder={str(folder)!r}. Choose another folder."
        )
    absent, other = set(KEYS) - set(metadata), set(metadata) - set(KEYS)
    if absent or other:
        raise ValueError(
            f"`metadata` must have the keys {list(KEYS)}. Received: metadata without "
            f"{sorted(absent)}, and with {sorted(other)}. Add the missing keys and remove the "
            "others."
        )
    text = json.dumps(metadata, indent=1)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        config = keras.saving.serialize_keras_object(model)
        config.pop("compile_config", None)
        (part / CONFIG).write_text(json.dumps(config, indent=1) + "\n", "utf-8")
        with _processes.alone():
            model.save_weights(part / WEIGHTS)
        (part / METADATA).write_text(text + "\n", "utf-8")
        part.chmod(0o755)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part)
        raise


def _folder(argument, preset):
    """Returns the folder of a preset."""
    folder = arguments.path(argument, preset)
    if not folder.is_dir():
        folder = _shipped() / str(preset)
    if not folder.is_dir():
        raise ValueError(
            f"`{argument}` must be a folder, or one of {names()}. Received: {argument}={preset!r}. "
            "Check the name or the path."
        )
    return folder


def _shipped():
    """Returns the folder of the presets of the library."""
    # A wheel has the folder inside the package, a checkout has it beside the package.
    inside = PACKAGE / "saved_models"
    return inside if inside.is_dir() else PACKAGE.parent / "saved_models"


def _versions(folder):
    try:
        return json.loads((folder / METADATA).read_text("utf-8"))["versions"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "an unknown version"
