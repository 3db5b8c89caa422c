"""Draws docs/images/partition.png: a road network in four parts, and a mesh of 2 × 4 devices.

python docs/images/partition.py
"""

import pathlib

import numpy as np
from matplotlib.gridspec import GridSpec
from PIL import Image
from scipy.spatial import Delaunay, KDTree

from stgkeras import graphs, plots
from stgkeras.plots.parts import FILLS

PARTS, SHARES, NODES = 4, 2, 240


def roads(count):
    """Returns the places of crossings in km, and a graph of roads without crossings (Gabriel)."""
    rng = np.random.default_rng(3)
    places = np.empty((0, 2))
    while len(places) < count:
        place = rng.random((1, 2)) * 20
        if not len(places) or np.linalg.norm(places - place, axis=1).min() > 0.75:
            places = np.concatenate([places, place])
    corners = Delaunay(places).simplices
    pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    middle, length = (
        places[pairs].mean(axis=1),
        np.linalg.norm(np.diff(places[pairs], axis=1), axis=-1),
    )
    clear = KDTree(places).query(middle)[0] > 0.999 * length[:, 0] / 2
    low, high = np.unique(np.sort(pairs[clear], axis=1), axis=0).T
    return places, graphs.from_edges(np.append(low, high), np.append(high, low), num_nodes=count)


def draw_mesh(axes):
    """Draws a batch of windows × nodes that is divided among the devices."""
    for row in range(SHARES):
        for column in range(PARTS):
            axes.add_patch(_block(column, row, FILLS[column]))
            text = f"device {row * PARTS + column}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=10)
    for column in range(PARTS):
        axes.text(column + 0.5, -0.08, f"nodes of\npart {column}", ha="center", fontsize=10)
    for row, windows in enumerate(("windows\n0 to 3", "windows\n4 to 7")):
        axes.text(-0.12, row + 0.5, windows, ha="right", va="center", fontsize=10)
    both = {"arrowstyle": "<->", "linewidth": 1.2}
    axes.annotate("", (0.1, SHARES + 0.25), (PARTS - 0.1, SHARES + 0.25), arrowprops=both)
    words = "signals of nodes in other parts, for each graph layer"
    axes.text(PARTS / 2, SHARES + 0.4, words, ha="center", va="top", fontsize=10)
    axes.annotate("", (PARTS + 0.2, 0.1), (PARTS + 0.2, SHARES - 0.1), arrowprops=both)
    axes.text(PARTS + 0.3, SHARES / 2, "gradients,\neach step", va="center", fontsize=10)
    axes.set(xlim=(-0.8, PARTS + 1.1), ylim=(SHARES + 0.7, -0.7))
    axes.set_title("A batch on a mesh of devices, windows × nodes", fontsize=11)
    axes.axis("off")


def _block(column, row, color):
    from matplotlib.patches import Rectangle

    return Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, facecolor=color, edgecolor="k")


def main():
    places, graph = roads(NODES)
    parts = graphs.partition(graph, PARTS, hops=3)
    figure = plots.partition(graph, places, parts)
    figure.set_size_inches(10, 5)
    grid = GridSpec(1, 2, figure, width_ratios=(1, 1.1))
    figure.axes[0].set_subplotspec(grid[0])
    figure.axes[0].set_title("Four parts, and the halo of part 0 for 3 hops", fontsize=11)
    draw_mesh(figure.add_subplot(grid[1]))
    path = pathlib.Path(__file__).with_suffix(".png")
    figure.savefig(path, dpi=110)
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
    print(
        f"{parts.cut_edges} of {int(graph.sum())} edges are cut; halos of {parts.halo_sizes} nodes"
    )


if __name__ == "__main__":
    main()
