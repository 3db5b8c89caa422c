"""Models over several devices."""

from stgkeras.parallel.node_layout import node_layout

__all__ = ["node_layout"]
