"""Every public constructor, and the functions on series and scores."""

from tests.campaign import builder_layers, builder_models, builder_scores

TARGETS = (*builder_layers.TARGETS, *builder_models.TARGETS, *builder_scores.TARGETS)
