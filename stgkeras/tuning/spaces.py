"""Hyperparameters of the models and of their training, and functions that combine them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

# Dict {name: (kind, options)}. `kind` is the name of a method of `keras_tuner.HyperParameters`, and
# `options` are its arguments. With the option "when", a pair (parent, values), the hyperparameter
# applies only if the hyperparameter `parent` has one of the `values`.
Space: TypeAlias = Mapping[str, tuple[str, dict[str, Any]]]


def filters(default: int) -> tuple[str, dict[str, Any]]:
    """Returns the choice of a number of filters."""
    return ("Choice", {"values": [16, 32, 64, 128], "default": default})


TRAINING: Space = {
    "learning_rate": (
        "Float",
        {"min_value": 1e-4, "max_value": 1e-2, "sampling": "log", "default": 1e-3},
    ),
    "batch_size": ("Choice", {"values": [16, 32, 64], "default": 32}),
    "T_0": ("Int", {"min_value": 2, "max_value": 10, "default": 5}),
    "T_mult": ("Int", {"min_value": 1, "max_value": 2, "default": 2}),
}
K: Space = {"K": ("Int", {"min_value": 1, "max_value": 4, "default": 3})}
DROPOUT: Space = {"dropout": ("Float", {"min_value": 0.0, "max_value": 0.5, "step": 0.1})}
SCORES: Space = {
    "temporal_score": ("Choice", {"values": ["bilinear", "dot"]}),
    "spatial_score": ("Choice", {"values": ["bilinear", "additive"]}),
}
ASTGCN: Space = {
    "num_blocks": ("Int", {"min_value": 1, "max_value": 3, "default": 2}),
    "spatial_filters": filters(64),
    "temporal_filters": filters(64),
    **SCORES,
}
FOCAL: Space = {
    "alpha": ("Choice", {"values": [0.25, 0.5, 0.75, 0.9]}),
    "gamma": ("Choice", {"values": [0.5, 1.0, 2.0, 5.0], "default": 2.0}),
}


def astgcn(arguments: Mapping[str, Any]) -> Space:
    """Returns the hyperparameters of the blocks of ASTGCN, or of MSTGCN, which has no scores."""
    return ASTGCN if arguments.get("attention", True) else without(ASTGCN, *SCORES)


def blocks(arguments: Mapping[str, Any], input_length: int) -> Space:
    """Returns the hyperparameter `blocks` with the choices that fit the input length.

    Args:
        arguments: dict of fixed arguments, which may hold `input_length`, `num_blocks` and
            `kernel_size`.
        input_length: int. Input length if `arguments` does not hold one.

    Raises:
        ValueError: if no choice fits.
    """
    input_length = arguments.get("input_length", input_length)
    numbers, kernels = (
        [arguments[name]] if name in arguments else values
        for name, values in (("num_blocks", range(1, 4)), ("kernel_size", range(2, 5)))
    )
    fitting = [f"{n}x{k}" for n in numbers for k in kernels if 2 * n * (k - 1) < input_length]
    if not fitting:
        raise ValueError(
            "`input_length` must be above 2 · num_blocks · (kernel_size - 1), where num_blocks is "
            f"at least {numbers[0]} and kernel_size at least {kernels[0]}. Received: "
            f"input_length={input_length}. Pass a larger `input_length`."
        )
    default = "2x3" if "2x3" in fitting else fitting[0]
    return {"blocks": ("Choice", {"values": fitting, "default": default})}


def sizes(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `num_blocks` and `kernel_size` from the hyperparameter `blocks`, if it is chosen."""
    if "blocks" not in chosen:
        return {}
    return dict(
        zip(("num_blocks", "kernel_size"), map(int, chosen["blocks"].split("x")), strict=True)
    )


def under(parent: str, value: Any, space: Space) -> Space:
    """Returns the hyperparameters with the condition that `parent` has the value."""
    when = {"when": (parent, [value])}
    return {name: (kind, {**options, **when}) for name, (kind, options) in space.items()}


def some(chosen: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Returns the chosen values of these names. Names without a value are left out."""
    return {name: chosen[name] for name in names if name in chosen}


def without(arguments: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Returns the arguments except those of these names."""
    return {name: value for name, value in arguments.items() if name not in names}
