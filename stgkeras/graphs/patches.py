"""Patches of near places: the leaves of a k-d tree, filled to equal sizes."""

from __future__ import annotations

import numbers
from typing import NamedTuple

import numpy as np

from stgkeras.graphs._checks import as_dense, check_number, check_values
from stgkeras.types import Array


class Patches(NamedTuple):
    """Patches of nodes.

    Args:
        nodes: (leaves, size) int64. The node in each slot of each leaf. A node has one slot of its
            own. It can also fill slots of other leaves.
        slots: (num_nodes,) int64. The own slot of each node, counted row by row from 0.
    """

    nodes: np.ndarray
    slots: np.ndarray


def patches(
    places: Array, depth: int, size: int | None = None, profiles: Array | None = None
) -> Patches:
    """Divides places into 2^depth leaves of a k-d tree, and fills all leaves to the same size.

    Each level of the tree divides the nodes of a leaf at their median, in turn along the first and
    the second coordinate. With n nodes, the ⌊n/2⌋ nodes with the smallest coordinates are the first
    half. Of nodes with equal coordinates, those with the smaller index come first. The leaves are
    in the order of the tree, and the nodes of a leaf are in the order of their indices. After them,
    the leaf is filled with other nodes, those nearest to any node of the leaf first.

    Args:
        places: (nodes, 2) numbers. Latitude and longitude, or other coordinates.
        depth: int ≥ 0, with 2^depth ≤ nodes.
        size: int from ⌈nodes / 2^depth⌉ to nodes, or None: the smallest possible size. Default
            None.
        profiles: (nodes, values) numbers, or None. With profiles, such as the mean day of each
            sensor, leaves are filled with the nodes that have the largest cosine similarity of
            profiles with any node of the leaf. Default None: those at the smallest distance.

    Returns:
        `Patches`: the nodes (2^depth, size) in the slots of each leaf, and the slots (nodes,) that
        are the own ones of the nodes.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if an argument has another shape or is out of range, or holds NaN.

    Example:
        >>> import stgkeras
        >>> found = stgkeras.graphs.patches([[48.1, 16], [48.2, 16], [48.3, 16]], depth=1)
        >>> found.nodes.tolist(), found.slots.tolist()
        ([[0, 1], [1, 2]], [0, 2, 3])

    Source:
        Fang et al., 2025, arXiv:2412.09972, section 4.2. Departs from the released code: without
        `profiles`, distances decide which nodes fill a leaf; nodes with equal coordinates have a
        defined order.
    """
    points = as_dense("places", places)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(
            f"`places` must have shape (nodes, 2). Received: places.shape={points.shape}. Pass one "
            "row of latitude and longitude per node."
        )
    check_values("places", points, allow_negative=True)
    count = len(points)
    check_number(
        "depth",
        depth,
        f"an integer from 0 with 2**depth at most {count}, the number of nodes",
        lambda value: 0 <= value < count.bit_length(),
        numbers.Integral,
    )
    least = -(-count // 2**depth)
    if size is None:
        size = least
    condition = f"from {least} to {count}, for {count} nodes in {2**depth} leaves"
    check_number("size", size, condition, lambda value: least <= value <= count, numbers.Integral)
    if profiles is not None:
        profiles = unit_profiles(profiles, count)
    leaves = [np.arange(count)]
    for level in range(depth):
        leaves = [half for leaf in leaves for half in halves(leaf, points[leaf, level % 2])]
    nodes, slots = np.empty((len(leaves), size), np.int64), np.empty(count, np.int64)
    for number, leaf in enumerate(leaves):
        own = len(leaf)
        slots[leaf] = number * size + np.arange(own)
        nodes[number, :own] = leaf
        if own < size:
            nearness = nearness_to(leaf, points, profiles)
            nodes[number, own:] = np.argsort(-nearness, kind="stable")[: size - own]
    return Patches(nodes, slots)


def halves(leaf: np.ndarray, coordinates: np.ndarray) -> list[np.ndarray]:
    """Divides the nodes of a leaf at the median of their coordinates."""
    order = np.argsort(coordinates, kind="stable")
    middle = len(leaf) // 2
    return [leaf[np.sort(order[:middle])], leaf[np.sort(order[middle:])]]


def nearness_to(leaf: np.ndarray, points: np.ndarray, profiles: np.ndarray | None) -> np.ndarray:
    """Returns how near each node is to the nearest node of a leaf; -inf for those of the leaf."""
    if profiles is None:
        squares = np.square(points[leaf, None] - points).sum(axis=-1)  # (leaf, nodes)
        nearness = -squares.min(axis=0)
    else:
        nearness = (profiles[leaf] @ profiles.T).max(axis=0)
    nearness[leaf] = -np.inf
    return nearness


def unit_profiles(profiles: Array, count: int) -> np.ndarray:
    """Checks profiles, and divides each by its length."""
    rows = as_dense("profiles", profiles)
    if rows.ndim != 2 or len(rows) != count:
        raise ValueError(
            f"`profiles` must have shape ({count}, values), a row for each node. Received: "
            f"profiles.shape={rows.shape}. Pass, for example, the mean day of each node."
        )
    check_values("profiles", rows, allow_negative=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)
