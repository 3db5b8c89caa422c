"""Trained models: a folder each, with config, weights, and where the weights come from."""

import json
import pathlib
import shutil
import tempfile

import keras

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
KEYS = ("data", "split", "scaler", "seed", "command", "versions", "metrics")
PACKAGE = pathlib.Path(__file__).resolve().parent.parent


def presets():
    """Lists the trained models that come with the library.

    Returns:
        dict of name → metadata: data, split, scaler, seed, command, versions and test metrics.

    Example:
        >>> import stgkeras
        >>> names = list(stgkeras.models.presets())
    """
    folder = _shipped()
    found = sorted(path.parent for path in folder.glob(f"*/{METADATA}"))
    return {path.name: json.loads((path / METADATA).read_text("utf-8")) for path in found}


def load(preset):
    """The model of a preset, by name or folder."""
    folder = pathlib.Path(preset)
    if not folder.is_dir():
        folder = _shipped() / str(preset)
    if not folder.is_dir():
        raise ValueError(
            f"`preset` must be a folder, or one of {list(presets())}. Received: preset={preset!r}"
        )
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"`preset` must hold {CONFIG} and {WEIGHTS}. Missing in {folder}: {missing}"
        )
    try:
        model = keras.saving.deserialize_keras_object(
            json.loads((folder / CONFIG).read_text("utf-8"))
        )
        model.load_weights(folder / WEIGHTS)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise ValueError(
            f"{folder} does not hold a model that this version opens: it is damaged, or was "
            f"written by {_versions(folder)}. Received: {type(error).__name__}: {error}"
        ) from error
    return model


def save(model, folder, metadata):
    """Writes a preset, whole or not at all."""
    folder = pathlib.Path(folder)
    if folder.exists():
        raise ValueError(f"`folder` must not exist yet. Received: {folder}; choose another.")
    absent, other = set(KEYS) - set(metadata), set(metadata) - set(KEYS)
    if absent or other:
        raise ValueError(
            f"`metadata` must have the keys {list(KEYS)}. "
            f"Received: without {sorted(absent)}, and with {sorted(other)}"
        )
    text = json.dumps(metadata, indent=1)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        config = keras.saving.serialize_keras_object(model)
        config.pop("compile_config", None)
        (part / CONFIG).write_text(json.dumps(config, indent=1) + "\n", "utf-8")
        model.save_weights(part / WEIGHTS)
        (part / METADATA).write_text(text + "\n", "utf-8")
        part.chmod(0o755)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part)
        raise


def _shipped():
    """In a wheel the folder lies in the package, in a checkout beside it."""
    inside = PACKAGE / "saved_models"
    return inside if inside.is_dir() else PACKAGE.parent / "saved_models"


def _versions(folder):
    try:
        return json.loads((folder / METADATA).read_text("utf-8"))["versions"]
    except (OSError, ValueError, KeyError):
        return "another version"
