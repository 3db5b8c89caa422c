"""Keras layers for signals (batch, time, nodes, features) on a graph."""

from stgkeras.layers.adaptive_adjacency import AdaptiveAdjacency
from stgkeras.layers.adaptive_embedding import AdaptiveEmbedding
from stgkeras.layers.agent_attention import AgentAttention
from stgkeras.layers.agent_tokens import AgentTokens
from stgkeras.layers.axial_attention import AxialAttention
from stgkeras.layers.calendar_embedding import CalendarEmbedding
from stgkeras.layers.centered_layer_normalization import CenteredLayerNormalization
from stgkeras.layers.cheb_conv import ChebConv
from stgkeras.layers.component_fusion import ComponentFusion
from stgkeras.layers.covariate_effect import CovariateEffect
from stgkeras.layers.diffusion_conv import DiffusionConv
from stgkeras.layers.gated_temporal_conv import GatedTemporalConv
from stgkeras.layers.graph_conv import GraphConv
from stgkeras.layers.graph_pooling import GraphPooling
from stgkeras.layers.mixture_of_experts import MixtureOfExperts
from stgkeras.layers.monotone_quantiles import MonotoneQuantiles
from stgkeras.layers.node_embedding import NodeEmbedding
from stgkeras.layers.renormalized_adjacency import RenormalizedAdjacency
from stgkeras.layers.reversible_normalization import ReversibleNormalization
from stgkeras.layers.scaled_laplacian import ScaledLaplacian
from stgkeras.layers.seasonal_scaler import SeasonalScaler
from stgkeras.layers.sparse_features import SparseFeatures
from stgkeras.layers.spatial_attention import SpatialAttention
from stgkeras.layers.spatio_temporal_embedding import SpatioTemporalEmbedding
from stgkeras.layers.spectral_conv import SpectralConv
from stgkeras.layers.standard_scaler import StandardScaler
from stgkeras.layers.static_clusters import StaticClusters
from stgkeras.layers.static_graph import StaticGraph
from stgkeras.layers.static_patches import StaticPatches
from stgkeras.layers.static_terms import StaticTerms
from stgkeras.layers.temporal_attention import TemporalAttention
from stgkeras.layers.transformer_block import TransformerBlock

__all__ = [
    "AdaptiveAdjacency",
    "AdaptiveEmbedding",
    "AgentAttention",
    "AgentTokens",
    "AxialAttention",
    "CalendarEmbedding",
    "CenteredLayerNormalization",
    "ChebConv",
    "ComponentFusion",
    "CovariateEffect",
    "DiffusionConv",
    "GatedTemporalConv",
    "GraphConv",
    "GraphPooling",
    "MixtureOfExperts",
    "MonotoneQuantiles",
    "NodeEmbedding",
    "RenormalizedAdjacency",
    "ReversibleNormalization",
    "ScaledLaplacian",
    "SeasonalScaler",
    "SparseFeatures",
    "SpatialAttention",
    "SpatioTemporalEmbedding",
    "SpectralConv",
    "StandardScaler",
    "StaticClusters",
    "StaticGraph",
    "StaticPatches",
    "StaticTerms",
    "TemporalAttention",
    "TransformerBlock",
]

from stgkeras import _registered  # noqa: E402, F401, I001 - last: it imports this part
