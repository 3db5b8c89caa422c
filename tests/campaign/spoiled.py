"""Random faults in the arguments of a call: types, shapes, dtypes and values."""

import copy
import datetime
import decimal
import pathlib

import numpy as np
import pandas as pd
import scipy.sparse as sp

from tests.campaign.children import Input

BIG = 2**70
# Values of a wrong type or out of any range. No value needs much memory where it is right.
WRONG = (
    *(lambda: None, lambda: "", lambda: "abc", lambda: "5", lambda: b"x", lambda: True),
    *(lambda: 0, lambda: -1, lambda: 1, lambda: 5, lambda: 1.5, lambda: -0.5, lambda: 2.0),
    *(lambda: float("nan"), lambda: float("inf"), lambda: -float("inf"), lambda: 1e308),
    *(lambda: 1 + 2j, lambda: -BIG, lambda: BIG, lambda: 1e-320, lambda: decimal.Decimal("1.5")),
    *(lambda: [], lambda: {}, lambda: (), lambda: set(), lambda: [None], lambda: [[]]),
    *(lambda: [1, 2], lambda: [[1], [2, 3]], lambda: ["a", "b"], lambda: {"a": 1}),
    *(lambda: [BIG], lambda: ["a", 1], lambda: [[1, "b"]], lambda: {1, 2}, lambda: range(3)),
    *(lambda: object(), lambda: len, lambda: np.float32, lambda: iter([1, 2])),
    *(lambda: np.array(5), lambda: np.array("a"), lambda: np.zeros(0), lambda: np.zeros((0, 3))),
    *(lambda: np.zeros((2, 2, 2)), lambda: np.float32(2), lambda: np.int8(1), lambda: np.bool_(1)),
    *(lambda: np.datetime64("2024-05-01"), lambda: datetime.datetime(2024, 5, 1)),
    *(lambda: sp.csr_array((2, 2)), lambda: pd.DataFrame({"a": [1, 2]}), lambda: pd.NaT),
    *(lambda: pathlib.Path("absent.csv"), lambda: slice(2), lambda: ...),
)
ENTRIES = (np.nan, np.inf, -np.inf, -1, -1e-9, 0, 1e308, -1e308, 1e-320, 1e30, 1e-12, 0.5, 2)
DTYPES = (
    *("int8", "uint8", "int32", "uint64", "float16", "float32", "bool", "complex128", "object"),
    *("str", "bytes", "datetime64[s]", "timedelta64[s]", ">f8", ">i4", "longdouble"),
)
SPARSE = (
    *(sp.csr_array, sp.csc_array, sp.coo_array, sp.lil_array, sp.dok_array, sp.dia_array),
    *(sp.bsr_array, sp.csr_matrix, sp.coo_matrix),
)


def spoil(rng, arguments, count):
    """Returns arguments with `count` random faults. A fault may leave the call valid."""
    arguments = dict(arguments)
    for _ in range(count):
        name = rng.choice(list(arguments))
        arguments[name] = spoiled(rng, arguments[name])
    return arguments


def spoiled(rng, value):
    """Returns another value for an argument."""
    is_array = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim)
    if not is_array or not len(value) or rng.random() < 0.15:
        return rng.choice(WRONG)()
    try:
        return rng.choice((entry, entry, entry, shape, shape, other_type, stored, parts))(
            rng, np.array(value)
        )
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError):
        return rng.choice(WRONG)()


def entry(rng, array):
    """Changes one entry, or several."""
    if array.dtype.kind not in "fc" and rng.random() < 0.7:
        array = array.astype(float if array.dtype.kind in "iub" else object)
    for _ in range(rng.choice((1, 1, 2, array.size))):
        array.flat[rng.randrange(array.size)] = rng.choice(ENTRIES)
    return array


def shape(rng, array):
    return rng.choice(
        (
            lambda a: a.ravel(),
            lambda a: a[None],
            lambda a: a[..., None],
            lambda a: a[:-1],
            lambda a: a[1:],
            lambda a: a[:0],
            lambda a: a[..., :-1],
            lambda a: a.T,
            lambda a: np.concatenate([a, a]),
            lambda a: np.concatenate([a, a[:1]]),
            lambda a: np.full(a.shape, a.flat[0]),
            lambda a: a[::-1],
            lambda a: a.flat[0],
            lambda a: np.zeros((*a.shape[:-1], 0)),
        )
    )(array)


def other_type(rng, array):
    with np.errstate(all="ignore"):
        return array.astype(rng.choice(DTYPES))


def stored(rng, array):
    """The same values, stored in another way."""
    choices = [
        lambda a: a.tolist(),
        lambda a: tuple(a.tolist()),
        lambda a: [str(v) for v in a.tolist()],
        lambda a: np.asfortranarray(a),
        lambda a: a[..., ::-1][..., ::-1],
        lambda a: np.ma.masked_equal(a, a.flat[0]),
        lambda a: pd.Series(a),
        lambda a: pd.DataFrame(a),
        lambda a: np.asmatrix(a),
        lambda a: memoryview(a),
        lambda a: {i: v for i, v in enumerate(a.tolist())},
        lambda a: iter(a.tolist()),
        lambda a: _read_only(a),
    ]
    if array.ndim == 2 and array.dtype.kind in "iuf":
        choices += [rng.choice(SPARSE), rng.choice(SPARSE)]
    return rng.choice(choices)(array)


def _read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def parts(rng, array):
    """Two entries change places, or one is repeated."""
    a, b = rng.randrange(array.size), rng.randrange(array.size)
    if rng.random() < 0.5:
        array.flat[a], array.flat[b] = array.flat[b], array.flat[a]
    else:
        array.flat[a] = array.flat[b]
    return array


def kept(value):
    """Returns a copy of an argument for the oracle."""
    try:
        return copy.deepcopy(value)
    except TypeError:
        return value


def call_of(function, arguments, expected, compare, faults=()):
    """Returns the `Input` of a call whose result is compared with an independent one.

    Args:
        function: the public function.
        arguments: dict.
        expected: function of the arguments that computes the result. `Refused` if they are bad.
        compare: function of both results that returns None, or what is wrong.
        faults: tuple of text, for the report.
    """
    before = {name: kept(value) for name, value in arguments.items()}

    def check(result):
        for name, value in arguments.items():
            if isinstance(value, np.ndarray) and not same(value, before[name]):
                return f"`{name}` was changed"
        try:
            meant = expected(**before)
        except Refused as error:
            return f"accepted: {error}"
        return compare(result, meant)

    told = f"{function.__name__} {faults}\n" + "\n".join(
        f"{name} = {type(value).__name__} {told_of(value)}" for name, value in arguments.items()
    )
    size = sum(value.nbytes for value in arguments.values() if isinstance(value, np.ndarray))
    return Input(lambda: function(**arguments), function, check, size, told)


class Refused(Exception):
    """The oracle finds an argument bad."""


def told_of(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {np.array2string(value, threshold=60)[:600]}"
    return repr(value.toarray() if sp.issparse(value) and value.ndim == 2 else value)[:600]


def same(a, b):
    if a.dtype.kind in "fc":
        return np.array_equal(a, b, equal_nan=True)
    return a.dtype.kind in "OV" or np.array_equal(a, b)


def numbers(value, ndim=None, finite=True, negative=True):
    """Returns an argument as a float64 array; raises `Refused` if it is not plain numbers."""
    if sp.issparse(value):
        value = value.toarray()
    if isinstance(value, (pd.DataFrame, pd.Series)):
        value = value.to_numpy()
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise Refused("masked entries")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise Refused(f"no array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise Refused(f"dtype {array.dtype}")
    array = array.astype(np.float64)
    if ndim is not None and array.ndim != ndim:
        raise Refused(f"shape {array.shape}")
    if np.isnan(array).any() or (finite and not np.isfinite(array).all()):
        raise Refused("NaN or infinite entries")
    if not negative and (array < 0).any():
        raise Refused("negative entries")
    return array


def number(value, least=None, whole=False):
    """Returns an argument that must be one number; raises `Refused` if it is not."""
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kinds):
        raise Refused(f"no number: {value!r}")
    if not np.isfinite(float(value)) or (least is not None and value < least):
        raise Refused(f"out of range: {value!r}")
    return value


def close(result, meant, rtol=1e-9, atol=1e-12):
    """Compares two arrays, dense or sparse; returns what is wrong as text."""
    found = result.toarray() if sp.issparse(result) else np.asarray(result)
    if found.shape != np.shape(meant):
        return f"shape {found.shape} instead of {np.shape(meant)}"
    if not np.allclose(found, meant, rtol, atol, equal_nan=False):
        place = tuple(np.argwhere(~np.isclose(found, meant, rtol, atol))[0].tolist())
        return f"{found[place]} instead of {np.asarray(meant)[place]} at {place}"
    return None
