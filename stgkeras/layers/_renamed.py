"""Layers whose class has another name in the files of version 0.1.0.

Keras finds the weights of a layer in a file by the name of its class. Where a file has none under
the new names, the layers take the old names until each has read its weights.
"""

import functools
import re


class Renamed:
    """Base of the layers that were renamed; a subclass gives `name_in_old_files`."""


def take_old_names(layers, store):
    """Lets renamed layers read a file in which they have their old names.

    Args:
        layers: list of the layers of a model, in order.
        store: what Keras hands to the model's `load_own_variables`.
    """
    renamed = [layer for layer in layers if isinstance(layer, Renamed)]
    folder = getattr(store, "_h5_entry_path", None)  # None: a store that no 0.1.0 file has
    if not renamed or folder is None:
        return
    first = f"{folder}/layers/{_snake_case(type(renamed[0]).__name__)}".lstrip("/")
    if store.has_path(first):
        return
    for layer in renamed:
        object.__setattr__(layer, "__class__", _old_class(type(layer)))


@functools.cache
def _old_class(cls):
    """A subclass under the old name, whose instances return to `cls` as they read their weights."""

    def load_own_variables(self, store):
        object.__setattr__(self, "__class__", cls)
        self.load_own_variables(store)

    return type(cls.name_in_old_files, (cls,), {"load_own_variables": load_own_variables})


def _snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
