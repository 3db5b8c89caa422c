"""The surest baseline of a short series, by rolling origins."""

from __future__ import annotations

import numpy as np

from stgkeras.datasets import Split
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.blend import PLAIN
from stgkeras.forecasting.form import Form

PARTS = 4  # of the training windows
SIMPLEST = ("last value", "usual day", PLAIN, "ridge")  # comes first


def surest_baseline(form: Form, series: Series, split: Split, scales: np.ndarray) -> str:
    """Returns the name of the baseline that a few days of readings support best.

    The training windows are divided into `PARTS`. Baselines that are fitted to the first one, two,
    … parts forecast the next part, and the last ones the validation part. Of these forecasts, the
    baseline with the smallest mean absolute error is the best. The simplest baseline whose error is
    at most one standard error larger than that is the surest: the one-standard-error rule.

    Args:
        form: `Form`.
        series: `Series`.
        split: `Split` of its windows.
        scales: (C,), by which the errors of the targets are divided.

    Source:
        Breiman et al., 1984, "Classification and regression trees", section 3.4.3 (the rule).
    """
    places = [len(split.train) * k // PARTS for k in range(1, PARTS)]
    later = [*np.split(split.train, places)[1:], split.val]
    found: dict[str, list[np.ndarray]] = {}
    for number, part in enumerate(later, 1):
        head = np.concatenate([*np.split(split.train, places)[:number]])
        part = part[part >= head[-1] + form.horizon] if len(head) else part[:0]
        if len(part):
            for name, errors in _errors(form, series, head, part, scales).items():
                found.setdefault(name, []).append(errors)
    errors = {name: np.concatenate(one) for name, one in found.items()}
    known = ~np.isnan(sum(errors.values(), np.zeros(1)))
    if not known.any():
        return SIMPLEST[0]
    best = min(errors.values(), key=lambda one: one[known].mean())
    for name in SIMPLEST:
        if name in errors and _is_close((errors[name] - best)[known], form.horizon):
            return name
    return SIMPLEST[0]


def _errors(form, series, head, part, scales):
    """Returns the mean absolute errors (W,) of baselines that are fitted to the windows `head`."""
    past, truth, calendar = training.past_and_truth(form, series, part)
    known = int(head[-1]) + form.input_length + form.horizon
    values = series.values[:known][..., list(form.targets)]
    sizes = head, form.input_length, form.horizon
    day, clock = form.steps_per_day, None if calendar is None else series.calendar[:known]
    seasonal = Baselines.fit(values, clock, *sizes, day)
    found = seasonal.forecasts(past, calendar)
    if calendar is not None:
        unsure = seasonal.unsure(calendar[:, form.input_length :])
        truth = np.where(unsure[..., None, None], np.nan, truth)
        plain = Baselines.fit(values, None, *sizes, None)
        found[PLAIN] = plain.forecasts(past, None, ["ridge"])["ridge"]
    return {
        name: np.ma.masked_invalid(np.abs(one - truth) / scales).mean(axis=(1, 2, 3)).filled(np.nan)
        for name, one in found.items()
    }


def _is_close(differences, horizon):
    """Whether a mean difference of errors (W,) is at most its standard error.

    Neighbouring windows overlap, so that means over a horizon of windows count as one difference.
    """
    blocks = max(1, len(differences) // horizon)
    means = np.array([block.mean() for block in np.array_split(differences, blocks)])
    if blocks == 1:
        return True
    return differences.mean() <= means.std(ddof=1) / np.sqrt(blocks)
