"""Search spaces of the models for keras-tuner, which is imported with the first of them."""

__all__ = ["ASTGCNHyperModel", "LinkPredictorHyperModel", "STGCNHyperModel"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stgkeras.tuning import hypermodels

    return getattr(hypermodels, name)


def __dir__():
    return __all__
