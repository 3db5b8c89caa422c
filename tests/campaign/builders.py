"""Every public constructor, and the functions on series and scores."""

from tests.campaign import (
    builder_callbacks,
    builder_layers,
    builder_models,
    builder_scores,
    builder_series,
    builder_states,
)

PARTS = (builder_layers, builder_states, builder_models, builder_scores, builder_callbacks)
TARGETS = tuple(target for part in (*PARTS, builder_series) for target in part.TARGETS)
