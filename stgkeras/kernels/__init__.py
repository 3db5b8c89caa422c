"""Functions of tensors that have fast forms on some backends, or that depend on storage.

Each function has a portable form, which is right on every backend and device, and beside it the
fast forms that some backends have. `dispatch.takes_fast_form` is the one rule that chooses: export,
XLA, automatic casts, derivatives of derivatives and function transforms use the portable form. The
first lines of each file say which backends have a fast form, and what it gains.

This package imports no other part of stgkeras but the type aliases.
"""

from stgkeras.kernels.dispatch import portable_forms
from stgkeras.kernels.dropout import bit_dropout
from stgkeras.kernels.graph_convolution import chebyshev_conv, graph_conv, linear
from stgkeras.kernels.memory import keep_freed
from stgkeras.kernels.normalization import layer_normalization
from stgkeras.kernels.operators import (
    apply,
    chebyshev_terms,
    has_terms,
    is_sparse,
    neighbourhood,
    softmax_of_pairs,
    to_dense,
)
from stgkeras.kernels.time_attention import attended, projections
from stgkeras.kernels.time_convolution import gated_time_conv, time_conv

__all__ = [
    "apply",
    "attended",
    "bit_dropout",
    "chebyshev_conv",
    "chebyshev_terms",
    "gated_time_conv",
    "graph_conv",
    "has_terms",
    "is_sparse",
    "keep_freed",
    "layer_normalization",
    "linear",
    "neighbourhood",
    "portable_forms",
    "projections",
    "softmax_of_pairs",
    "time_conv",
    "to_dense",
]

keep_freed()
