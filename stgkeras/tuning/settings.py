"""Search spaces of the arguments of models that `Forecaster` trains."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from stgkeras.tuning import spaces
from stgkeras.tuning.spaces import Space

LEARNING_RATE: Space = {
    "learning_rate": (
        "Float",
        {"min_value": 3e-4, "max_value": 1e-2, "sampling": "log", "default": 1e-3},
    )
}
# The defaults are those of the models, and of `Forecaster.fit`.
SETTINGS: dict[str, Space] = {
    "GraphSTID": {
        "units": spaces.filters(64),
        "num_blocks": ("Int", {"min_value": 1, "max_value": 4, "default": 3}),
        **spaces.K,
        "node_units": ("Choice", {"values": [0, 16, 32], "default": 16}),
        "adaptive_units": ("Choice", {"values": [0, 10, 20], "default": 10}),
        "dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1, "default": 0.1}),
        **LEARNING_RATE,
    },
    "STGCN": {
        "block_filters": (
            "Choice",
            {
                "values": [
                    str(((wide, narrow, wide),) * blocks)
                    for blocks in (1, 2)
                    for wide, narrow in ((32, 16), (64, 16), (64, 32), (128, 32))
                ],
                "default": str(((64, 16, 64),) * 2),
            },
        ),
        "kernel_size": ("Choice", {"values": [2, 3], "default": 3}),
        **spaces.K,
        "gate": ("Choice", {"values": ["glu", "gtu"]}),
        "dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1, "default": 0.5}),
        **LEARNING_RATE,
    },
    "ASTGCN": {**spaces.K, **spaces.ASTGCN, **LEARNING_RATE},
    "STID": {
        "units": spaces.filters(32),
        "num_blocks": ("Int", {"min_value": 1, "max_value": 4, "default": 3}),
        "node_units": ("Choice", {"values": [0, 16, 32, 64], "default": 32}),
        "day_units": ("Choice", {"values": [0, 16, 32], "default": 32}),
        "week_units": ("Choice", {"values": [0, 16, 32], "default": 32}),
        "calendar_features": ("Boolean", {"default": True}),
        "dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.05, "default": 0.15}),
        **LEARNING_RATE,
    },
    "GraphWaveNet": {
        "residual_filters": ("Choice", {"values": [16, 32, 64], "default": 32}),
        "dilation_filters": ("Choice", {"values": [16, 32, 64], "default": 32}),
        "skip_filters": ("Choice", {"values": [64, 128, 256], "default": 256}),
        "end_filters": ("Choice", {"values": [128, 256, 512], "default": 512}),
        "num_blocks": ("Int", {"min_value": 2, "max_value": 4, "default": 4}),
        "K": ("Int", {"min_value": 1, "max_value": 3, "default": 2}),
        "adaptive_units": ("Choice", {"values": [0, 10, 20], "default": 10}),
        "dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1, "default": 0.3}),
        **LEARNING_RATE,
    },
    "STAEformer": {  # every sum of the lengths is a multiple of four, the number of heads
        "input_units": ("Choice", {"values": [8, 16, 24, 48], "default": 24}),
        "day_units": ("Choice", {"values": [0, 24], "default": 24}),
        "week_units": ("Choice", {"values": [0, 24], "default": 24}),
        "adaptive_units": ("Choice", {"values": [16, 40, 80], "default": 80}),
        "feed_forward_units": ("Choice", {"values": [64, 128, 256], "default": 256}),
        "num_blocks": ("Int", {"min_value": 1, "max_value": 3, "default": 3}),
        "dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1, "default": 0.1}),
        **LEARNING_RATE,
    },
    "FaST": {
        "units": spaces.filters(64),
        "num_blocks": ("Int", {"min_value": 1, "max_value": 4, "default": 3}),
        "num_experts": ("Choice", {"values": [1, 4, 8], "default": 8}),
        "num_agents": ("Choice", {"values": [8, 16, 32, 64], "default": 32}),
        **LEARNING_RATE,
    },
    "PatchSTG": {
        "input_units": ("Choice", {"values": [16, 32, 64, 128], "default": 64}),
        "day_units": ("Choice", {"values": [0, 16, 32], "default": 32}),
        "week_units": ("Choice", {"values": [0, 16, 32], "default": 32}),
        "node_units": ("Choice", {"values": [0, 16, 32, 64], "default": 32}),
        "num_blocks": ("Int", {"min_value": 1, "max_value": 5, "default": 5}),
        "dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1, "default": 0.1}),
        **LEARNING_RATE,
    },
}


def chosen(hp: Any, space: Space, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a trial, and adds those that are missing to the hyperparameters.

    Args:
        hp: `keras_tuner.HyperParameters` of the trial.
        space: one of `SETTINGS`.
        fixed: dict of settings that the user has fixed; they are not searched.

    Returns:
        dict of name → value, without the fixed ones.

    Example:
        >>> import keras_tuner
        >>> from stgkeras.tuning import settings
        >>> hp = keras_tuner.HyperParameters()
        >>> settings.chosen(hp, settings.SETTINGS["STGCN"], {"K": 2, "dropout": 0.0, "gate": "glu"})
        {'block_filters': ((64, 16, 64), (64, 16, 64)), 'kernel_size': 3, 'learning_rate': 0.001}
    """
    found = {}
    for name, (kind, options) in space.items():
        if name not in fixed:
            value: Any = getattr(hp, kind)(name, **options)
            # Rounded: the number that is printed is the number that was tried.
            value = float(f"{value:.4g}") if isinstance(value, float) else value
            found[name] = ast.literal_eval(value) if name == "block_filters" else value
    return found
