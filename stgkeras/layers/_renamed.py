"""Reads the weights of layers that had another class name in version 0.1.0.

Keras finds the weights of a layer in a file by the name of the layer's class. If a file has no
weights under the new names, the layers take their old class names until their weights are read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import keras


class Renamed:
    """Base of the renamed layers. A subclass defines `name_in_old_files`, its old class name."""

    name_in_old_files: str


def take_old_names(layers: Sequence[keras.layers.Layer], store: Any) -> None:
    """Gives renamed layers their old class names, if the file has weights under the old names.

    Args:
        layers: list of the layers of a model, in order.
        store: the store that Keras passes to the model's `load_own_variables`.
    """
    renamed: list[Any] = [layer for layer in layers if isinstance(layer, Renamed)]
    folder = getattr(store, "_h5_entry_path", None)  # None: not a kind of file that 0.1.0 wrote
    if not renamed or folder is None:
        return
    first = f"{folder}/layers/{_snake_case(type(renamed[0]).__name__)}".lstrip("/")
    if store.has_path(first):
        return
    for layer in renamed:
        object.__setattr__(layer, "__class__", _old_class(layer.__class__))


@functools.cache
def _old_class(cls):
    """A subclass with the old name. A layer gets the class `cls` back when it reads its weights."""

    def load_own_variables(self, store):
        object.__setattr__(self, "__class__", cls)
        self.load_own_variables(store)

    return type(cls.name_in_old_files, (cls,), {"load_own_variables": load_own_variables})


def _snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
