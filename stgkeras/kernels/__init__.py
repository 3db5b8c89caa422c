"""Functions of tensors that have fast forms on some backends, or that depend on graph storage.

Each function has a portable form, which is correct on every backend and device. Some functions also
have fast forms for single backends. `dispatch.takes_fast_form` chooses the form: export, XLA,
automatic casts, second derivatives and function transforms use the portable form. The first lines
of each file state which backends have a fast form, and how much faster it is.

Of stgkeras, this package imports only the type aliases.
"""

from stgkeras.kernels.dispatch import portable_forms
from stgkeras.kernels.dropout import bit_dropout, kept_values
from stgkeras.kernels.finish import finished, gelu
from stgkeras.kernels.graph_convolution import chebyshev_conv, graph_conv
from stgkeras.kernels.memory import keep_freed
from stgkeras.kernels.mixture import gated_experts
from stgkeras.kernels.normalization import layer_normalization
from stgkeras.kernels.operators import (
    apply,
    chebyshev_terms,
    diffusion_terms,
    has_terms,
    is_sparse,
    neighbourhood,
    softmax_of_pairs,
    to_dense,
)
from stgkeras.kernels.random_features import linear_attention, orthogonal_directions
from stgkeras.kernels.recomputation import recomputed
from stgkeras.kernels.time_attention import attended, projections
from stgkeras.kernels.time_convolution import gated_time_conv, time_conv
from stgkeras.kernels.transformer_block import BlockWeights, has_own_block, own_block

__all__ = [
    "BlockWeights",
    "apply",
    "attended",
    "bit_dropout",
    "chebyshev_conv",
    "chebyshev_terms",
    "diffusion_terms",
    "finished",
    "gated_experts",
    "gated_time_conv",
    "gelu",
    "graph_conv",
    "has_own_block",
    "has_terms",
    "is_sparse",
    "keep_freed",
    "kept_values",
    "layer_normalization",
    "linear_attention",
    "neighbourhood",
    "orthogonal_directions",
    "own_block",
    "portable_forms",
    "projections",
    "recomputed",
    "softmax_of_pairs",
    "time_conv",
    "to_dense",
]

keep_freed()
