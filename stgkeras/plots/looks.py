"""What lines look like, in colour and in greyscale, and how wide a picture is."""

WIDTH = 4.8  # inches: at the 3.4 of a column the type of 10 points has 7
COLORS = ("C0", "C3", "C2", "C4")
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "x", "D", "v", "*", "P")


def with_units(label, units):
    """A label of an axis."""
    return f"{label} ({units})" if units else label


def short(name, width):
    """The name of a node, cut where it would take the place of the picture."""
    name = str(name)
    return name if len(name) <= width else name[: width - 1] + "…"
