"""Every public constructor, and the functions on series and scores."""

import importlib

PARTS = ("layers", "states", "models", "scores", "callbacks", "series", "windows", "links") + (
    "forecasters",
    "covariates",
    "zoo",
)
MODULES = [importlib.import_module(f"tests.campaign.builder_{part}") for part in PARTS]
TARGETS = tuple(target for module in MODULES for target in module.TARGETS)
