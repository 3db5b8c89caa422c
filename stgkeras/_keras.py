"""Import hook for Keras: a clear error if the backend is missing, and registered classes.

Keras can open a saved model only if the classes in it are registered. A class is registered when
its module is imported. Therefore, as soon as Keras and stgkeras are both imported, in any order,
this hook imports the modules with registered classes.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

# The module of each backend of Keras, and the command that installs it.
BACKENDS = {
    "tensorflow": "pip install tensorflow",
    "jax": 'pip install "stgkeras[jax]"',
    "torch": 'pip install "stgkeras[torch]"',
}
# The parts with registered classes. Each of them imports `_registered` in its last line.
REGISTERED = ("callbacks", "layers", "losses", "metrics", "models")
# What Keras is imported within; commands leave out the noise of TensorFlow.
around_import: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext


def watch() -> None:
    """Registers the classes of stgkeras: now if Keras is imported, else when it is imported."""
    if "keras" not in sys.modules:
        sys.meta_path.insert(0, _Finder())
    elif hasattr(sys.modules["keras"], "Model"):  # not while Keras itself is being imported
        importlib.import_module("stgkeras._registered")


def chosen_backend() -> str:
    """Returns the backend of Keras, without importing Keras.

    Example:
        >>> from stgkeras import _keras
        >>> _keras.chosen_backend() in _keras.BACKENDS
        True
    """
    config = sys.modules.get("keras.src.backend.config")
    name = config.backend() if config else os.environ.get("KERAS_BACKEND")
    if name:
        return name
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        return json.loads((pathlib.Path(home) / "keras.json").read_text("utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


class _Finder(importlib.abc.MetaPathFinder):
    """Finds Keras as Python does, and loads it with `_Loader`."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _Loader(spec.loader, self)
        return spec


class _Loader(importlib.abc.Loader):
    """Loads Keras with the loader of Python, and then registers the classes of stgkeras."""

    def __init__(self, loader, finder):
        self.loader, self.finder = loader, finder

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        try:
            with around_import():
                self.loader.exec_module(module)
        except (ImportError, ValueError) as error:
            message = _backend_error()
            if message is None:
                raise
            raise ImportError(message) from error
        sys.meta_path.remove(self.finder)
        module.__spec__.loader = module.__loader__ = self.loader
        if not any(f"stgkeras.{part}" in sys.modules for part in REGISTERED):
            importlib.import_module("stgkeras._registered")


def _backend_error():
    """Returns the error message if the backend of Keras cannot be used, else None."""
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    backend = chosen_backend()
    if backend in installed:
        return None
    which = "a backend that is installed" if installed else "one of these, and install it"
    setting = f"KERAS_BACKEND to {which}: {', '.join(installed or BACKENDS)}"
    if backend not in BACKENDS:
        fix = f"which is none of these. Set {setting}"
    else:
        fix = f"but `{backend}` is not installed. Run `{BACKENDS[backend]}`"
        fix += f", or set {setting}" if installed else ""
    received = f"Received: KERAS_BACKEND={backend!r}, {fix}."
    return f"stgkeras models need TensorFlow, JAX or PyTorch. {received}"
