"""A public constructor or function: valid arguments, bad values for some of them, a check."""

import inspect
import json
import math
import numbers
import pathlib
import re
import sys

import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # tests import by name

from tests.campaign.children import Input  # noqa: E402

HUGE = 10**30
BAD = (
    *(None, "", "x", "3", 0, -1, 1.5, -0.5, math.nan, math.inf, -math.inf, True, False, HUGE),
    *([], [1, 2], [0], (), (1, -1), ["x"], [None], {}, {"a": 1}, {1, 2}, b"x", object(), 1j),
    *(np.zeros(0), np.zeros((2, 2)), np.full((5, 5), np.nan), np.array("x"), np.array([None])),
    *(np.float32(0.3), np.int64(2), np.array(2), print, int, keras.layers.Layer, slice(3)),
    *([[1.0], [2.0, 3.0]], range(3), "2024-01-01", np.datetime64("2024-01-01"), np.ones((5, 2))),
)
# Keras takes any function as an activation or initializer: the call shows whether it is one.
OF_KERAS = re.compile("activation|.*(initializer|regularizer)")
# Valid values of another type than the usual one.
ALSO = {"dynamic_graph": [False], "holidays": [[], ()]}
CALLED = ("images", "windows", "operator")  # functions of the user
NEVER_KERAS = ("x", 5, 1.5, b"x", object(), [1], 1j, {"a": 1}, HUGE)
SIZE = 2**20  # bytes; an upper bound of all arguments


def target(function, valid, use, check, extra=(), fixed=(), name=None, writes=False, also=ALSO):
    """Returns a target of the campaign.

    Args:
        function: a public class or function.
        valid: function of a `random.Random` that returns a dict of valid arguments.
        use: function (function, arguments, rng) that calls `function` and uses what it returns.
        check: function (result of `use`, arguments) that returns None, or what is wrong as text.
        extra: names that messages may use, besides those of the arguments.
        fixed: arguments that never get a bad value.
        name: str. Name of the target.
        writes: bool. Whether the call may write into its folder.
        also: dict of name → valid values of another type than the usual one.
    """
    parameters = inspect.signature(function).parameters
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    names = [n for n, p in parameters.items() if p.kind not in several and n not in fixed]

    def draw(rng, folder):
        arguments = valid(rng)
        faults = {}
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 3)) if names else 0):
            name = rng.choice(names)
            faults[name] = rng.choice(NEVER_KERAS if OF_KERAS.fullmatch(name) else BAD)
            if name in CALLED and callable(faults[name]):
                del faults[name]  # what another function raises is no error of ours
        given = {**arguments, **faults}

        def call():
            try:
                return use(function, given, rng)
            except Exception as error:
                if faults:
                    raise
                return error

        def checked(result):
            if isinstance(result, Exception):
                return f"valid arguments are refused: {result!r}"
            for name, value in faults.items():
                usual = arguments.get(name, parameters[name].default)
                others = [one for one in also.get(name, ()) if type(one) is type(value)]
                if value not in others and not same_kind(usual, value):
                    return f"`{name}` accepts {value!r} in place of {usual!r}"
            return check(result, given)

        told = f"{function.__name__} {arguments!r}\nfaults {faults!r}"
        return Input(call, function, checked, SIZE, told, tuple(extra), writes=writes)

    draw.__name__ = name or function.__name__
    return draw


def same_kind(usual, value):
    """Whether a value has the kind of the usual value: a bool, a number, or a str."""
    for kind in (bool, numbers.Number, str):
        if isinstance(usual, kind):
            value = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
            kinds = (kind, np.bool_) if kind is bool else kind
            is_bool = kind is not bool and isinstance(value, (bool, np.bool_))
            return value is None or (isinstance(value, kinds) and not is_bool)
    return True


def fault_of_config(made):
    """Returns what is wrong with the config of an object after a round trip, or None."""
    config = json.dumps(keras.saving.serialize_keras_object(made))
    again = keras.saving.deserialize_keras_object(json.loads(config))
    found = json.dumps(keras.saving.serialize_keras_object(again))
    return None if found == config else f"config {config} became {found}"


def fault_of_numbers(found, expected, tolerance=1e-5):
    """Returns how arrays differ from the expected ones, or None."""
    pairs = zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True)
    for ours, wanted in pairs:
        ours, wanted = np.asarray(ours), np.asarray(wanted)
        if ours.shape != wanted.shape:
            return f"shape {ours.shape} instead of {wanted.shape}"
        scale = np.nanmax(np.abs(wanted), initial=0) if np.isfinite(wanted).any() else 0
        if not np.allclose(ours, wanted, rtol=0, atol=tolerance * scale + 1e-30, equal_nan=True):
            return f"{ours.ravel()[:5]} instead of {wanted.ravel()[:5]}"
    return None


def fault_of_shape(found, shape):
    """Returns what is wrong with an array that must be finite and have this shape, or None."""
    found = np.asarray(found)
    if found.shape != tuple(shape):
        return f"shape {found.shape} instead of {tuple(shape)}"
    return None if np.isfinite(found).all() else "NaN or infinite"


def some(rng, choices, share=0.5):
    """Returns a dict with a random value for some of the names of `choices`."""
    return {name: rng.choice(values) for name, values in choices.items() if rng.random() < share}
