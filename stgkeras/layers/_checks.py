"""Checks of the arguments and input shapes of layers and models, and their error messages."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from keras import activations, initializers, regularizers

from stgkeras import kernels
from stgkeras.arguments import (
    boolean,
    fraction,
    integer,
    integers,
    levels,
    number,
    one_of,
    sequence,
)

__all__ = ["boolean", "fraction", "integer", "integers", "levels", "number", "one_of", "sequence"]


def activation(name: str, value: Any) -> Any:
    """Returns an activation function of Keras."""
    return _of_keras(name, activations.get, value, 'a name such as "relu", or a function')


def initializer(name: str, value: Any) -> Any:
    """Returns an initializer of Keras."""
    return _of_keras(name, initializers.get, value, 'a name such as "zeros", or an initializer')


def regularizer(name: str, value: Any) -> Any:
    """Returns a regularizer of Keras."""
    return _of_keras(name, regularizers.get, value, 'a name such as "l2", or a regularizer')


def _of_keras(name: str, get: Callable[[Any], Any], value: Any, what: str) -> Any:
    try:
        return get(value)
    except Exception as error:  # of the classes that a config names, too
        raise ValueError(
            f"`{name}` must be None, {what} of Keras. Received: {name}={value!r}. Keras says: "
            f"{error}"
        ) from error


def signal(x_shape: tuple, axes: str = "(batch, time, nodes, features)") -> None:
    """Checks the rank of a signal, and that its numbers of nodes and features are known.

    `axes` lists the names of the axes; "..." stands for any number of leading axes.
    """
    rank = axes.count(",") + 1
    enough = len(x_shape) >= rank - 1 if "..." in axes else len(x_shape) == rank
    if not enough:
        raise ValueError(f"`x` must have axes {axes}. Received: x.shape={tuple(x_shape)}")
    if x_shape[-1] is None or x_shape[-2] is None:
        raise ValueError(
            "`x` must have known numbers of nodes and features. "
            f"Received: x.shape={tuple(x_shape)}. Give both numbers in the shape of the input."
        )


def targets(value: Any, num_features: int, num_outputs: int | None = None) -> tuple | None:
    """Checks the features to forecast, and returns them as a tuple, or None."""
    if value is None:
        return None
    is_sequence = isinstance(value, (list, tuple, range)) or getattr(value, "ndim", 0) == 1
    found = tuple(value) if is_sequence else (value,)
    ints = [f for f in found if isinstance(f, numbers.Integral) and not isinstance(f, bool)]
    fits = 0 < len(ints) == len(found) == len(set(ints)) and set(ints) <= set(range(num_features))
    if not fits or len(found) != (num_outputs or len(found)):
        number = "" if num_outputs is None else f"num_outputs={num_outputs} "
        raise ValueError(
            f"`targets` must be None, or {number}different ints below {num_features}, the number "
            f"of features. Received: targets={value!r}. Give the position of each feature to "
            "forecast, counted from 0."
        )
    return tuple(int(f) for f in found)


def operator(graph_shape: Any, x_shape: tuple, K: int = 1) -> None:
    """Checks the shape of a graph operator against the shape of the signal.

    The shape of a sparse operator is a dict. If it has Chebyshev terms, there must be at least K.
    """
    if kernels.is_sparse(graph_shape):
        if kernels.has_terms(graph_shape) and graph_shape["terms"][0] < K:
            raise ValueError(
                f"`graph` must hold K={K} Chebyshev terms. Received: terms.shape="
                f"{tuple(graph_shape['terms'])}. Create the `StaticTerms` layer with K={K}."
            )
        return _sparse_operator(graph_shape, x_shape)
    nodes = x_shape[-2]
    if not 2 <= len(graph_shape) <= len(x_shape) or tuple(graph_shape[-2:]) != (nodes, nodes):
        raise ValueError(
            f"`graph` must have axes (nodes, nodes), (batch, nodes, nodes) or (batch, time, "
            f"nodes, nodes), with the {nodes} nodes of `x`. "
            f"Received: graph.shape={tuple(graph_shape)}, x.shape={tuple(x_shape)}"
        )


def basis(basis_shape: tuple, x_shape: tuple) -> None:
    """Checks the shape of a Fourier basis against the shape of the signal."""
    nodes = x_shape[-2]
    fits = (
        len(basis_shape) == 2 and basis_shape[0] == nodes and basis_shape[1] in range(1, nodes + 1)
    )
    if not fits:
        raise ValueError(
            f"`basis` must have axes (nodes, frequencies), with the {nodes} nodes of `x` and at "
            f"most {nodes} frequencies. Received: basis.shape={tuple(basis_shape)}, "
            f"x.shape={tuple(x_shape)}. Use `stgkeras.graphs.fourier_basis`."
        )


def _sparse_operator(shapes, x_shape):
    if set(shapes) - {"terms"} != {"index", "value"}:
        raise ValueError(
            "A sparse `graph` must be a dict with the keys 'index' and 'value'. "
            f"Received: keys {sorted(shapes)}"
        )
    index, value = tuple(shapes["index"]), tuple(shapes["value"])
    leading = len(value) - 1
    fits = 0 <= leading <= len(x_shape) - 2 and len(index) in (2, leading + 2)
    if not fits or index[-2:] != (2, value[-1]):
        raise ValueError(
            "A sparse `graph` must hold 'value' with axes (edges,), (batch, edges) or (batch, "
            "time, edges), and 'index' with axes (2, edges), or (..., 2, edges) with the leading "
            f"axes of 'value'. Received: index.shape={index}, value.shape={value}, "
            f"x.shape={tuple(x_shape)}"
        )


def attention(attention_shape: tuple, x_shape: tuple, graph_shape: Any) -> None:
    """Checks the shape of a spatial attention against the shapes of the signal and the graph."""
    nodes = x_shape[-2]
    if len(attention_shape) == 2 and kernels.has_terms(graph_shape):
        pairs = graph_shape["terms"][1]
        if attention_shape[1] != pairs:
            raise ValueError(
                f"`attention` must have axes (batch, pairs), with the {pairs} pairs of `graph`. "
                f"Received: attention.shape={tuple(attention_shape)}"
            )
    elif len(attention_shape) != 3 or tuple(attention_shape[1:]) != (nodes, nodes):
        raise ValueError(
            f"`attention` must have axes (batch, nodes, nodes), with the {nodes} nodes of `x`. "
            f"Received: attention.shape={tuple(attention_shape)}, x.shape={tuple(x_shape)}"
        )


def square(name: str, shape: tuple) -> None:
    """Checks that the last two axes have the same known size, the number of nodes."""
    if len(shape) < 2 or shape[-1] is None or shape[-1] != shape[-2]:
        raise ValueError(
            f"`{name}` must have axes (..., nodes, nodes). Received: {name}.shape={tuple(shape)}"
        )


def steps(x_shape: tuple, needed: int) -> None:
    """Checks that a signal has at least `needed` steps, if the number of steps is known."""
    if x_shape[1] is not None and x_shape[1] < needed:
        raise ValueError(
            f"`x` must have at least `kernel_size`={needed} steps. "
            f"Received: x.shape={tuple(x_shape)} with {x_shape[1]} steps. "
            "Use a smaller `kernel_size` or longer windows."
        )


def known_axes(x_shape: tuple) -> None:
    """Checks a signal for a layer that needs all sizes but the batch to create its weights."""
    signal(x_shape)
    if None in x_shape[1:]:
        raise ValueError(
            "`x` must have known numbers of steps, nodes and features, because the shapes of the "
            f"weights depend on them. Received: x.shape={tuple(x_shape)}. "
            "Give these numbers in the shape of the input."
        )


def length_for_blocks(input_length: int, num_blocks: int, kernel_size: int) -> None:
    """Checks that blocks of two temporal convolutions each leave at least one step."""
    taken = 2 * num_blocks * (kernel_size - 1)
    if input_length <= taken:
        raise ValueError(
            f"`input_length` must be at least {taken + 1}, because {num_blocks} blocks with "
            f"`kernel_size`={kernel_size} shorten the window by {taken} steps. "
            f"Received: input_length={input_length}. "
            "Use longer windows, a smaller `kernel_size` or fewer blocks."
        )
