"""Training on several devices and in several processes, with the engines that the backends have."""

from stgkeras.parallel.engines import devices, engine, is_first, processes
from stgkeras.parallel.node_layout import node_layout

__all__ = ["devices", "engine", "is_first", "node_layout", "processes"]
