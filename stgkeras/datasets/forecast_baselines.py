"""What a forecaster is measured against: repetitions of the past."""

import numpy as np


def last_value(values, starts, input_length, horizon):
    """Repeats the last step that each window reads.

    Args:
        values: (T, N, F) series.
        starts: (W,) int, first steps of the windows.
        input_length: int. Steps that a window reads.
        horizon: int. Steps that it predicts.

    Returns:
        (W, horizon, N, F).

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(9.0).reshape(9, 1, 1)
        >>> stgkeras.datasets.last_value(series, np.array([0, 2]), 3, 2).ravel().tolist()
        [2.0, 2.0, 4.0, 4.0]
    """
    last = np.asarray(starts) + input_length - 1
    return np.repeat(values[last][:, None], horizon, axis=1)


def same_time(values, starts, input_length, horizon, lag):
    """Repeats what was measured `lag` steps before each step to predict.

    Args:
        values: (T, N, F) series.
        starts: (W,) int, first steps of the windows.
        input_length: int. Steps that a window reads.
        horizon: int. Steps that it predicts.
        lag: int ≥ horizon. One day or one week in steps.

    Returns:
        (W, horizon, N, F).

    Raises:
        ValueError: if `lag` is shorter than the horizon, or reaches back beyond the series.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(9.0).reshape(9, 1, 1)
        >>> stgkeras.datasets.same_time(series, np.array([4]), 3, 2, lag=5).ravel().tolist()
        [2.0, 3.0]
    """
    if lag < horizon:
        raise ValueError(
            f"`lag` must be at least `horizon`={horizon}, or it looks ahead. Received: lag={lag}"
        )
    steps = np.asarray(starts)[:, None] + input_length + np.arange(horizon) - lag
    if steps.min() < 0:
        raise ValueError(
            f"`lag` must stay within the series: the first window predicts step "
            f"{steps.min() + lag}. Received: lag={lag}"
        )
    return values[steps]
