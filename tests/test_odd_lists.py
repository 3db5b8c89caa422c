"""Series: lists of different lengths, and lists as names, are refused by the argument's name."""

import numpy as np
import pytest

from stgkeras import datasets


def test_lists_of_different_lengths_and_lists_as_names():
    values, odd = np.ones((40, 2)), [[1.0], [2.0, 3.0]]
    lagged = {"starts": [30], "input_length": 2, "horizon": 1, "lag": 24, "steps_per_day": 24}
    for name, call in {
        "timestamps": lambda: datasets.from_arrays(values, timestamps=odd),
        "quality": lambda: datasets.from_arrays(values, interval=60, quality=odd),
        "calendar": lambda: datasets.same_time(values[..., None], calendar=odd, **lagged),
    }.items():
        with pytest.raises(ValueError, match=f"`{name}` must be an array. Received: lists of diff"):
            call()
    with pytest.raises(ValueError, match="`timestamps` must be an array. Received: lists of diff"):
        datasets.calendar(odd)
    with pytest.raises(ValueError, match=r"`calendar` must have shape \(40, 2\)"):
        datasets.same_time(values[..., None], calendar=np.zeros((9, 2)), **lagged)
    for names in (odd, [{"a": 1}, "b"], np.array([["a"], ["b"]])):
        with pytest.raises(TypeError, match="a str or a number for each of `names`. Received"):
            datasets.from_arrays(values, interval=60, names=names)
