"""What happens when Keras is imported: a clear error without a backend, and known classes.

Keras opens a saved model only if the classes in it are registered, and classes are registered when
their modules are imported. So once both Keras and stgkeras are imported, in either order, the
modules with registered classes are imported too.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

# The module that each backend of Keras needs, and how to install it with stgkeras.
BACKENDS = {
    "tensorflow": "pip install tensorflow",
    "jax": 'pip install "stgkeras[jax]"',
    "torch": 'pip install "stgkeras[torch]"',
}
# The parts with registered classes. Each of them imports `_registered` in its last line.
REGISTERED = ("callbacks", "layers", "losses", "metrics", "models")


def watch() -> None:
    """Registers the classes of stgkeras now if Keras is imported, or else when it is imported."""
    if "keras" not in sys.modules:
        sys.meta_path.insert(0, _Finder())
    elif hasattr(sys.modules["keras"], "Model"):  # not while Keras itself is being imported
        importlib.import_module("stgkeras._registered")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds Keras as Python does, and gives it a loader that does the work of this module."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _Loader(spec.loader, self)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader, finder):
        self.loader, self.finder = loader, finder

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        try:
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
    """What to install or to set, if the backend that Keras is set to cannot be used; or None."""
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    config = sys.modules.get("keras.src.backend.config")
    backend = config.backend() if config else os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend in installed:
        return None
    received = f"Received: KERAS_BACKEND={backend!r}, "
    if backend in BACKENDS:
        received += f"but `{backend}` is not installed. Run `{BACKENDS[backend]}`"
    else:
        received += f"which is none of these. Set KERAS_BACKEND to one of {', '.join(BACKENDS)}"
    if installed:
        received += f", or set KERAS_BACKEND to a backend that is installed: {', '.join(installed)}"
    return f"stgkeras models need TensorFlow, JAX or PyTorch. {received}."
