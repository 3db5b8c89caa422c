"""Imports all parts with classes that Keras must know to open a saved model."""

from stgkeras import callbacks, layers, losses, metrics, models

__all__ = ["callbacks", "layers", "losses", "metrics", "models"]
