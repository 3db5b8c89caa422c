"""The forecasters of the zoo that read the clock, and Graph WaveNet, with small sizes."""

import numpy as np

from stgkeras import models
from tests.campaign.builder_models import N, common, forecasts, model, operator, pick
from tests.campaign.constructed import some


def clocked(rng, components=False):
    """Arguments of the models that read the clock of the steps anyway."""
    found = common(rng, components)
    found.pop("past_calendar", None)
    return {**found, "steps_per_day": 4}


def stid(rng):
    small = {"units": 4, "num_blocks": 1, "day_units": pick(rng, 0, 3), "week_units": 2}
    more = {"node_units": (0, 2), "calendar_features": (True, False), "dropout": (0.0, 0.5)}
    return {**clocked(rng, components=True), **small, **some(rng, more)}


def graph_wavenet(rng):
    small = {"residual_filters": 4, "dilation_filters": 3, "skip_filters": 5, "end_filters": 6}
    small |= {"graph": [operator(rng) for _ in range(pick(rng, 1, 2))], "num_blocks": 1}
    more = {"K": (1, 2), "adaptive_units": (0, 3), "kernel_size": (2, 3), "dropout": (0.0, 0.3)}
    return {**common(rng), **small, **some(rng, more)}


def staeformer(rng):
    small = {"input_units": 3, "day_units": 2, "week_units": pick(rng, 0, 1), "adaptive_units": 2}
    small |= {"feed_forward_units": 6, "num_blocks": 1, "num_heads": 1}
    more = {"spatial_attention": ("exact", "linear"), "mixed_output": (True, False)}
    more |= {"random_features": (5,), "node_units": (0, 2), "dropout": (0.0, 0.3)}
    return {**clocked(rng), **small, **some(rng, more)}


def patchstg(rng):
    small = {"input_units": 4, "day_units": 3, "week_units": 2, "node_units": 2, "num_blocks": 1}
    places = np.random.default_rng(rng.getrandbits(32)).random((N, 2))
    more = {"num_patches": (1, 2, 4), "dropout": (0.0, 0.3)}
    return {**clocked(rng), **small, "places": places, **some(rng, more)}


def fast(rng):
    small = {"units": 4, "num_blocks": 1, "num_experts": pick(rng, 1, 3), "num_agents": 2}
    return {**clocked(rng, components=True), **small}


TARGETS = tuple(
    model(cls, valid, forecasts)
    for cls, valid in (
        (models.STID, stid),
        (models.GraphWaveNet, graph_wavenet),
        (models.STAEformer, staeformer),
        (models.PatchSTG, patchstg),
        (models.FaST, fast),
    )
)
