"""Sentences that describe results: the series, the graph, the weights and the errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


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
    for name in errors.filter(regex="^coverage "):
        level = name.removeprefix("coverage ")
        share, width, score = (
            errors.loc[BLEND, f"{kind} {level}"] for kind in ("coverage", "width", "interval score")
        )
        text += (
            f"\nInterval of {level}: {share:.1%} of the readings are inside, mean width "
            f"{width:.4g}{unit.replace(' in', '')}, interval score {score:.4g}."
        )
    overall = errors["MAE mean"].drop([BLEND, MODEL])
    if overall.min() < errors.loc[BLEND, "MAE mean"]:
        text += f"\nHere the baseline {overall.idxmin()!r} is better than the forecaster."
    return text
