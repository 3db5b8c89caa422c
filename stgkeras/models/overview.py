"""The forecasters of the library."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stgkeras.layers import _checks
from stgkeras.models.astgcn import ASTGCN
from stgkeras.models.fast import FaST
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.graph_stid import GraphSTID
from stgkeras.models.graph_wavenet import GraphWaveNet
from stgkeras.models.patchstg import PatchSTG
from stgkeras.models.staeformer import STAEformer
from stgkeras.models.stgcn import STGCN
from stgkeras.models.stid import STID

# Each class with the growth of its cost with the number of nodes, and its paper.
FORECASTERS: dict[str, tuple[Callable[..., Forecaster], str, str]] = {
    "STGCN": (STGCN, "N², or the edges of a sparse graph", "arXiv:1709.04875"),
    "ASTGCN": (ASTGCN, "N², or the edges of a sparse graph", "doi:10.1609/aaai.v33i01.3301922"),
    "GraphSTID": (GraphSTID, "N²; with adaptive_units=0, the edges", "arXiv:2208.05233"),
    "STID": (STID, "N", "arXiv:2208.05233"),
    "GraphWaveNet": (GraphWaveNet, "N²; with adaptive_units=0, the edges", "arXiv:1906.00121"),
    "STAEformer": (STAEformer, "N²; with linear attention, N", "arXiv:2308.10425"),
    "PatchSTG": (PatchSTG, "N √N", "arXiv:2412.09972"),
    "FaST": (FaST, "N", "arXiv:2601.05174"),
}
READS = {"graph": "takes_graph", "calendar": "reads_calendar", "places": "takes_places"}


def forecasters(num_nodes: int = 207) -> dict[str, dict[str, Any]]:
    """Lists the forecasters, with what they need and cost.

    Args:
        num_nodes: int. Number of nodes N, for the numbers of parameters. Default 207, as in
            METR-LA.

    Returns:
        dict of the name of each class → dict with

        - "parameters": int, number of trainable parameters with the defaults of the class;
        - "cost": str, how time and memory grow with N;
        - "reads": tuple of str, what the model reads besides the signal: "graph", "calendar",
          "places";
        - "source": str, arXiv or DOI number of the paper.

    Raises:
        ValueError: if `num_nodes` is below 1.

    Example:
        >>> import stgkeras
        >>> stgkeras.models.forecasters(170)["STID"]
        {'parameters': 116684, 'cost': 'N', 'reads': ('calendar',), 'source': 'arXiv:2208.05233'}
    """
    _checks.integer("num_nodes", num_nodes)
    found = {}
    for name, (model, cost, source) in FORECASTERS.items():
        reads = tuple(one for one, flag in READS.items() if getattr(model, flag, False))
        weights = model(num_nodes).trainable_weights
        count = sum(math.prod(variable.shape) for variable in weights)
        found[name] = {"parameters": count, "cost": cost, "reads": reads, "source": source}
    return found
