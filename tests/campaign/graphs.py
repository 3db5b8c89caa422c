"""Functions on graphs, and graphs that are joined to the sensors of a series."""

from tests.campaign import graph_functions, graph_operators

TARGETS = (*graph_functions.TARGETS, *graph_operators.TARGETS)
