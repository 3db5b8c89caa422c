"""Every public constructor, and the functions on series and scores."""

from tests.campaign import builder_layers, builder_models, builder_scores, builder_series

PARTS = (builder_layers, builder_models, builder_scores, builder_series)
TARGETS = tuple(target for part in PARTS for target in part.TARGETS)
