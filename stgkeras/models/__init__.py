"""Keras models that forecast signals on a graph, predict links, and classify signals or nodes."""

from stgkeras.models.astgcn import ASTGCN
from stgkeras.models.fast import FaST
from stgkeras.models.graph_stid import GraphSTID
from stgkeras.models.graph_wavenet import GraphWaveNet
from stgkeras.models.link_prediction import ASTGCNLinkPredictor, STGCNLinkPredictor
from stgkeras.models.overview import forecasters
from stgkeras.models.patchstg import PatchSTG
from stgkeras.models.preset_files import presets
from stgkeras.models.spectral import GCN, ChebNet, SpectralCNN
from stgkeras.models.staeformer import STAEformer
from stgkeras.models.stgcn import STGCN
from stgkeras.models.stid import STID
from stgkeras.models.trained import attention_scores, forecast

__all__ = [
    "ASTGCN",
    "ASTGCNLinkPredictor",
    "ChebNet",
    "FaST",
    "GCN",
    "GraphSTID",
    "PatchSTG",
    "GraphWaveNet",
    "STAEformer",
    "STGCN",
    "STGCNLinkPredictor",
    "STID",
    "SpectralCNN",
    "attention_scores",
    "forecast",
    "forecasters",
    "presets",
]

from stgkeras import _registered  # noqa: E402, F401, I001 - last: it imports this part
