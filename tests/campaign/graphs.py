"""Functions on graphs, and graphs that are joined to the sensors of a series."""

from tests.campaign import graph_functions, graph_joins, graph_objects, graph_operators

TARGETS = (
    *graph_functions.TARGETS,
    *graph_operators.TARGETS,
    *graph_joins.TARGETS,
    *graph_objects.TARGETS,
)
