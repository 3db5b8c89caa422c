"""Line styles, colours and sizes that all figures share."""

from __future__ import annotations

WIDTH = 4.8  # inches. In a column of 3.4 inches, text of 10 points shrinks to 7 points.
COLORS = ("C0", "C3", "C2", "C4")
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "x", "D", "v", "*", "P")


def with_units(label, units):
    """Returns an axis label, with the units in brackets if there are any."""
    return f"{label} ({units})" if units else label


def short(name, width):
    """Returns the name of a node, cut to `width` characters to leave room for the figure."""
    name = str(name)
    return name if len(name) <= width else name[: width - 1] + "…"
