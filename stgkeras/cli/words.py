"""Sentences that describe results: the series, the graph, the weights and the errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from stgkeras.forecasting import Backtest

MOST_LOST = 5  # origins that a text lists


def few(names: Sequence[str], most: int = 5) -> str:
    """Returns the first names as text, with the number of other names."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def series_text(path: str, series: Any) -> str:
    """Describes what was read from a file."""
    import numpy as np

    steps, sensors, features = series.values.shape
    missing = 100 * float(np.isnan(series.values).mean())
    names = "" if features == 1 else f", features {', '.join(series.features)}"
    each = "" if series.interval is None else f" of {series.interval:g} minutes"
    return (
        f"{path}: {counted(steps, 'step')}{each}, {counted(sensors, 'sensor')}{names}, "
        f"{missing:.2g} % of the readings missing."
    )


def sensors_text(folder: str, before: Sequence[str], now: Sequence[str]) -> str:
    """Describes which sensors keep their weights, which are new, and which are missing."""
    kept = [name for name in now if name in set(before)]
    new = [name for name in now if name not in set(before)]
    gone = [name for name in before if name not in set(now)]
    text = f"Starting with the weights of {folder} for {counted(len(kept), 'sensor')}."
    if new:
        text += f" New, with the mean of their neighbours: {few(new)}."
    return f"{text} No longer there: {few(gone)}." if gone else text


def graph_text(found: dict[str, Any]) -> str:
    """Describes `Forecaster.graph_summary`."""
    if not found:
        return "Graph: the model reads none."
    text = (
        f"Graph: {counted(found['sensors'], 'sensor')}, {counted(found['edges'], 'edge')}, "
        f"{counted(found['parts'], 'connected part')}, {found['median_edges']:g} edges of the "
        "median sensor."
    )
    alone = found["isolated"]
    return f"{text}\nSensors without an edge: {few(alone)}." if alone else text


def weights_text(weights: pd.DataFrame, model: str) -> str:
    """Describes the weights of the model and of each baseline in the forecast.

    Args:
        weights: pandas frame, `Forecaster.weights`.
        model: str. Name of the model.
    """
    from stgkeras.forecasting.fitted import MODEL

    shares = weights.mean().sort_values(ascending=False, kind="stable")
    shares = shares[shares > 0]
    parts = [
        f"{model if name == MODEL else name} {percent} %"
        for name, percent in zip(shares.index, percents(shares.tolist()), strict=True)
    ]
    text = f"Weights in the forecast, chosen by validation errors: {', '.join(parts)}."
    first = str(shares.index[0])
    if MODEL not in shares:
        return f"{text}\n{model} does not count: the baselines alone have a smaller error."
    if first != MODEL:
        return (
            f"{text}\nThe baseline {first!r} counts more than {model}: the validation error is "
            "smallest with these weights."
        )
    return text


def percents(shares: Sequence[float]) -> list[int]:
    """Rounds shares that sum to 1 to percents that sum to 100 (largest remainder method)."""
    import numpy as np

    exact = 100 * np.asarray(shares, float)
    found = np.floor(exact).astype(int)
    found[np.argsort(found - exact, kind="stable")[: 100 - found.sum()]] += 1
    return found.tolist()


def errors_text(errors: pd.DataFrame, units: Sequence[str], where: str) -> str:
    """Returns a table of errors for each target, and a warning if a baseline has a smaller error.

    Args:
        errors: result of `Forecaster.evaluate`.
        units: sequence of str. Units of each target.
        where: str. The readings to which the errors belong, such as "all windows of speeds.csv".
    """
    if errors.index.nlevels == 1:
        return _table_text(errors, "", units[0], where)
    targets = list(dict.fromkeys(errors.index.get_level_values("target")))
    parts = zip(targets, units, strict=True)
    return "\n".join(_table_text(errors.loc[name], name, unit, where) for name, unit in parts)


def _table_text(errors, target, unit, where):
    from stgkeras.forecasting.fitted import BLEND, MODEL

    of, unit = f" of {target}" if target else "", f" in {unit}" if unit else ""
    text = f"Errors{of}{unit} over {where}:\n"
    table = errors.filter(regex="^(MAE|RMSE) ").rename_axis(None)
    text += table.to_string(float_format="{:.4g}".format)
    text += _intervals_text(errors.loc[BLEND].to_dict(), unit.replace(" in", ""))
    overall = errors["MAE mean"].drop([BLEND, MODEL])
    if overall.min() < errors.loc[BLEND, "MAE mean"]:
        text += f"\nHere the baseline {overall.idxmin()!r} is better than the forecaster."
    return text


def backtest_text(
    tests: Mapping[str, Backtest],
    units: Sequence[str],
    interval: float,
    levels: Sequence[float] | None,
) -> str:
    """Describes a backtest: origins, errors by step ahead, and origins where a baseline is better.

    Args:
        tests: dict of target → `Backtest` of one target.
        units: sequence of str. Units of each target.
        interval: float. Minutes between steps.
        levels: levels of the quantiles, or None.
    """
    import numpy as np

    test = next(iter(tests.values()))
    first, last = (time_text(test.origins[n]) for n in (0, -1))
    text = (
        f"{counted(len(test.origins), 'origin')} from {first} to {last}, every "
        f"{counted(test.stride, 'step')}; {counted(len(np.unique(test.fitted)), 'training')}."
    )
    for (name, one), unit in zip(tests.items(), units, strict=True):
        text += f"\n{_origins_text(one, name if len(tests) > 1 else '', unit, interval, levels)}"
    return text


def _origins_text(test, target, unit, interval, levels):
    from stgkeras.forecasting.fitted import BLEND
    from stgkeras.metrics import diebold_mariano, quantile_scores

    of, unit = f" of {target}" if target else "", f" {unit}" if unit else ""
    errors, horizon = test.by_origin(), test.truth.shape[1]
    if errors[BLEND].isna().all():
        return f"No reading{of} in the steps that were forecast."
    steps = sorted({max(1, horizon // 4), max(1, horizon // 2), horizon})
    table = test.by_step().loc[steps].T
    table.columns = [f"MAE {step * interval:g} min" for step in steps]
    table["MAE mean"] = errors.mean()
    text = f"Errors{of}{unit and ' in'}{unit}, means over all origins:\n"
    text += table.to_string(float_format="{:.4g}".format)
    if test.quantiles is not None:
        text += _intervals_text(quantile_scores(test.truth, test.quantiles, levels), unit)
    best = best_baseline(errors)
    pair = errors[[BLEND, best]].dropna()
    more = pair[BLEND] - pair[best]
    _, p = diebold_mariano(pair[BLEND], pair[best], -(-horizon // test.stride))
    better, lost = int((more < 0).sum()), pair[more > 0]
    size = "smaller" if more.mean() < 0 else "larger"
    text += (
        f"\nAt {better} of {counted(len(pair), 'origin')}, the forecaster is better than {best!r}, "
        f"the best baseline. Its mean error is {abs(more.mean()):.3g}{unit} {size}"
        + (f" (Diebold-Mariano test: p = {p:.2g})." if p == p else ".")
    )
    if not len(lost):
        return text
    worst = lost.loc[more[lost.index].sort_values(ascending=False, kind="stable").index[:MOST_LOST]]
    worst = worst.set_axis([time_text(time) for time in worst.index])
    return f"{text}\nOrigins where {best!r} is better by most:\n" + worst.to_string(
        float_format="{:.4g}".format
    )


def best_baseline(errors: pd.DataFrame) -> str:
    """Returns the baseline with the smallest mean error.

    Args:
        errors: frame with a column for each forecast.
    """
    from stgkeras.forecasting.fitted import BLEND, MODEL

    return str(errors.drop(columns=[BLEND, MODEL]).mean().fillna(float("inf")).idxmin())


def time_text(origin: Any) -> str:
    """Returns a time, or the number of a step, as text.

    Example:
        >>> import pandas as pd
        >>> from stgkeras.cli.words import time_text
        >>> time_text(pd.Timestamp("2024-05-01", tz="Europe/Vienna")), time_text(144)
        ('2024-05-01 00:00:00+02:00', 'step 144')
    """
    return origin.isoformat(sep=" ") if hasattr(origin, "isoformat") else f"step {origin}"


def _intervals_text(scores, unit):
    """Returns a line for each interval in scores of `metrics.quantile_scores`."""
    text = ""
    for name in scores:
        if name.startswith("coverage "):
            level = name.removeprefix("coverage ")
            text += (
                f"\nInterval of {level}: {scores[name]:.1%} of the readings are inside, mean width "
                f"{scores[f'width {level}']:.4g}{unit}, interval score "
                f"{scores[f'interval score {level}']:.4g}."
            )
    return text
