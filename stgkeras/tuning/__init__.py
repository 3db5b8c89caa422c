"""Search spaces of the models for keras-tuner.

The first use of a class imports keras-tuner.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ASTGCNHyperModel", "LinkPredictorHyperModel", "STGCNHyperModel"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stgkeras.tuning import hypermodels

    return getattr(hypermodels, name)


def __dir__() -> list[str]:
    return __all__
