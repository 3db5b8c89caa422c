"""Training on several devices, in several processes, and on parts of a graph."""

from stgkeras.parallel.engines import devices, engine, is_first, processes
from stgkeras.parallel.node_layout import node_layout
from stgkeras.parallel.node_parts import NodeParts

__all__ = ["NodeParts", "devices", "engine", "is_first", "node_layout", "processes"]
