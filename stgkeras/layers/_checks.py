"""The wording of argument errors, in one place."""

from stgkeras import kernels


def integer(name, value, minimum=1):
    """`value` as an int, if it is a whole number of at least `minimum`."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}"
        )
    return int(value)


def one_of(name, value, choices):
    """`value`, if it is among `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}")
    return value


def fraction(name, value):
    """`value` as a float, if 0 ≤ value < 1."""
    if not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {name}={value!r}")
    return float(value)


def signal(x_shape, axes="(batch, time, nodes, features)"):
    """Checks the rank of a signal; `axes` names them, '...' for any number of leading axes."""
    rank = axes.count(",") + 1
    enough = len(x_shape) >= rank - 1 if "..." in axes else len(x_shape) == rank
    if not enough:
        raise ValueError(f"`x` must have axes {axes}. Received: x.shape={tuple(x_shape)}")
    if x_shape[-1] is None or x_shape[-2] is None:
        raise ValueError(
            f"The nodes and features axes of `x` must be known. Received: x.shape={tuple(x_shape)}"
        )


def operator(graph_shape, x_shape, K=1):
    """Checks a graph operator's shape, or dict of shapes, against that of the signal; if it brings
    its Chebyshev terms along, that there are K."""
    if kernels.is_sparse(graph_shape):
        if kernels.has_terms(graph_shape) and graph_shape["terms"][0] < K:
            raise ValueError(
                f"`graph` must hold the {K} terms of K={K}. Received: terms.shape="
                f"{tuple(graph_shape['terms'])}; make the `StaticTerms` layer with this K"
            )
        return _sparse_operator(graph_shape, x_shape)
    nodes = x_shape[-2]
    if not 2 <= len(graph_shape) <= len(x_shape) or tuple(graph_shape[-2:]) != (nodes, nodes):
        raise ValueError(
            f"`graph` must have axes (nodes, nodes), (batch, nodes, nodes) or (batch, time, "
            f"nodes, nodes) with the {nodes} nodes of `x`. "
            f"Received: graph.shape={tuple(graph_shape)}, x.shape={tuple(x_shape)}"
        )


def basis(basis_shape, x_shape):
    """Checks the shape of a Fourier basis against that of the signal."""
    nodes = x_shape[-2]
    fits = (
        len(basis_shape) == 2 and basis_shape[0] == nodes and basis_shape[1] in range(1, nodes + 1)
    )
    if not fits:
        raise ValueError(
            f"`basis` must have axes (nodes, frequencies), the {nodes} nodes of `x` and at most as "
            f"many frequencies. Received: basis.shape={tuple(basis_shape)}, "
            f"x.shape={tuple(x_shape)}"
        )


def _sparse_operator(shapes, x_shape):
    if set(shapes) - {"terms"} != {"index", "value"}:
        raise ValueError(
            "A sparse `graph` must be a dict of 'index' (2, edges) and 'value' (edges,). "
            f"Received: keys {sorted(shapes)}"
        )
    index, value = tuple(shapes["index"]), tuple(shapes["value"])
    leading = len(value) - 1
    fits = 0 <= leading <= len(x_shape) - 2 and len(index) in (2, leading + 2)
    if not fits or index[-2:] != (2, value[-1]):
        raise ValueError(
            "A sparse `graph` must hold 'value' (edges,), (batch, edges) or (batch, time, edges), "
            "and 'index' (2, edges) or with the same leading axes. "
            f"Received: index.shape={index}, value.shape={value}, x.shape={tuple(x_shape)}"
        )


def attention(attention_shape, x_shape, graph_shape):
    """Checks the shape of a spatial attention against those of the signal and of the graph."""
    nodes = x_shape[-2]
    if len(attention_shape) == 2 and kernels.has_terms(graph_shape):
        pairs = graph_shape["terms"][1]
        if attention_shape[1] != pairs:
            raise ValueError(
                f"`attention` must have axes (batch, pairs) with the {pairs} pairs of `graph`. "
                f"Received: attention.shape={tuple(attention_shape)}"
            )
    elif len(attention_shape) != 3 or tuple(attention_shape[1:]) != (nodes, nodes):
        raise ValueError(
            f"`attention` must have axes (batch, nodes, nodes) with the {nodes} nodes of `x`. "
            f"Received: attention.shape={tuple(attention_shape)}, x.shape={tuple(x_shape)}"
        )


def square(name, shape):
    """Checks that the last two axes are one number of nodes."""
    if len(shape) < 2 or shape[-1] is None or shape[-1] != shape[-2]:
        raise ValueError(
            f"`{name}` must have axes (..., nodes, nodes). Received: {name}.shape={tuple(shape)}"
        )


def steps(x_shape, needed):
    """Checks that a signal has enough steps, where their number is known."""
    if x_shape[1] is not None and x_shape[1] < needed:
        raise ValueError(
            f"`x` must have at least `kernel_size`={needed} steps. "
            f"Received: x.shape={tuple(x_shape)} with {x_shape[1]} steps"
        )


def known_axes(x_shape):
    """Checks a signal whose time, nodes and features axes all index weights."""
    signal(x_shape)
    if None in x_shape[1:]:
        raise ValueError(
            "The time, nodes and features axes of `x` must be known, since they index weights. "
            f"Received: x.shape={tuple(x_shape)}"
        )


def length_for_blocks(input_length, num_blocks, kernel_size):
    """Checks that blocks of two temporal convolutions leave at least one step."""
    taken = 2 * num_blocks * (kernel_size - 1)
    if input_length <= taken:
        raise ValueError(
            f"`input_length`={input_length} is too short: {num_blocks} blocks with "
            f"`kernel_size`={kernel_size} take {taken} steps; use `input_length` ≥ {taken + 1}. "
            f"Received: input_length={input_length}"
        )
