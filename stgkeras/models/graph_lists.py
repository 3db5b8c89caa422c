"""Models with a list of graph operators: their layers, and the attribute `graph`."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from stgkeras.layers import StaticGraph, _checks
from stgkeras.models.operator_check import check_operator
from stgkeras.types import Array, Tensor

if TYPE_CHECKING:
    from stgkeras.models.graph_model import GraphModel, StoredGraph


def holder_name(number: int) -> str:
    """Returns the name of the layer that stores the graph of this number."""
    return f"static_graph_{number}" if number else "static_graph"


def as_list(graph: Array | Sequence[Array] | None) -> list[Any] | None:
    """Returns a list of operators as a list. A single operator becomes a list of one."""
    if graph is None:
        return None
    given: Any = graph
    is_one = scipy.sparse.issparse(given) or (isinstance(given, np.ndarray) and given.ndim == 2)
    found = [given] if is_one else list(_checks.sequence("graph", given))
    if any(one is None for one in found):
        raise ValueError(
            "`graph` must be None, or a list of operators without None. Received: a list with None "
            f"at position {[one is None for one in found].index(True)}. Pass all operators, or "
            "`num_graphs` alone."
        )
    return found


def number_of(graph: Array | Sequence[Array] | None, num_graphs: int | None, default: int) -> int:
    """Returns the checked number of operators of a model.

    Args:
        graph: None, or the operators.
        num_graphs: None, or the number that the user gave.
        default: int. The number if neither is given.
    """
    graphs = as_list(graph)
    if num_graphs is None:
        return default if graphs is None else len(graphs)
    number = _checks.integer("num_graphs", num_graphs, 0)
    if graphs is not None and len(graphs) != number:
        raise _wrong_number(graphs, number)
    return number


def static_operators(x: Tensor, arguments: dict[str, Any], graph: Any) -> list[Tensor]:
    """Creates a `StaticGraph` for each of the "num_graphs", and returns their operators.

    The function writes the number of entries of each sparse graph into `arguments["num_edges"]`.
    """
    number, room = arguments["num_graphs"], arguments["num_edges"]
    graphs = as_list(graph) or [None] * number
    is_one = room is None or isinstance(room, numbers.Integral)
    rooms = [room] * number if is_one else list(_checks.sequence("num_edges", room))
    if len(rooms) != number:
        raise ValueError(
            f"`num_edges` must be None, an int, or a sequence of {number}, one for each graph. "
            f"Received: num_edges={room}."
        )
    holders = [
        StaticGraph(arguments["num_nodes"], one, room, name=holder_name(place))
        for place, (one, room) in enumerate(zip(graphs, rooms, strict=True))
    ]
    for one in graphs:
        check_operator(one, arguments)
    arguments["num_edges"] = rooms_of(holders)
    return [holder(x) for holder in holders]


def graphs_of(model: GraphModel, number: int) -> tuple[StoredGraph, ...]:
    """Returns the operators that a model stores, of which there are `number`."""
    return tuple(holder.graph for holder in _holders(model, number))


def set_graphs(model: Any, graph: Array | Sequence[Array]) -> None:
    """Sets the operators of a model."""
    graphs, holders = as_list(graph) or [], _holders(model, model.num_graphs)
    if len(graphs) != len(holders):
        raise _wrong_number(graphs, len(holders))
    for one in graphs:
        check_operator(one, vars(model))
    for holder, one in zip(holders, graphs, strict=True):
        holder.graph = one
    model.num_edges = rooms_of(holders)


def edges_of(graph: Any, num_nodes: int) -> np.ndarray:
    """Returns the absolute weights (N, N) of a graph operator, or the sum of those of several."""
    found = np.zeros((num_nodes, num_nodes))
    for operator in as_list(graph) or []:
        found += abs(scipy.sparse.csr_array(operator)).toarray()
    return found


def rooms_of(holders: Sequence[StaticGraph]) -> tuple[int | None, ...] | None:
    """Returns the numbers of entries of sparse graphs, or None if all are dense."""
    rooms = tuple(holder.num_edges for holder in holders)
    return None if all(room is None for room in rooms) else rooms


def _holders(model, number):
    return [model.get_layer(holder_name(place)) for place in range(number)]


def _wrong_number(graphs, number):
    return ValueError(
        f"`graph` must be a list of {number} operators, as `num_graphs`. Received: a list of "
        f"{len(graphs)}. Pass as many operators, such as `[graphs.random_walk(A), "
        "graphs.random_walk(A.T)]`."
    )
