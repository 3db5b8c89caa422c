"""A report as one HTML page: errors, figures and the forecasts of each sensor."""

from __future__ import annotations

import base64
import html
import io
import json
import os
import pathlib
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.reports.comparison import Comparison
from stgkeras.reports.pictures import USUAL, pictures
from stgkeras.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = pathlib.Path(__file__).with_name("page.html")
CAPTIONS = {
    "forecast": "A day of the sensor with the largest changes.",
    "fan": "Forecasts with their interval on the same day. A dot is where a forecast begins.",
    "intervals": "Levels of the quantiles; coverage and width of the interval by hour of the day.",
    "errors": "Mean absolute error by minutes ahead and by hour of the day.",
    "sensors": "Mean absolute error of each sensor. Darker colours are larger errors.",
    "most": "The sensors with the largest errors.",
    "attention": "Attention weights. Sensors with similar weights are neighbours.",
}


def write_page(
    path: str | os.PathLike[str],
    comparison: Comparison,
    *,
    title: str = "",
    steps: Sequence[int] | None = None,
    days: float = 3,
    graph: Array | None = None,
    facts: Mapping[str, str] | None = None,
    figures: Mapping[str, Figure] | None = None,
) -> None:
    """Writes a report on forecasts as one HTML page that works offline.

    The page has the errors beside the baselines, the forecasts of any sensor in clock time, the
    errors by minutes ahead, hour and sensor, and the facts.

    Args:
        path: path of the file, which is replaced if it exists.
        comparison: `Comparison`.
        title: str. Title of the page. Default: the names of the first forecast and of the data.
        steps: sequence of ints, the steps ahead in the table. Default: see `Comparison.steps`.
        days: float. Number of days to draw for each sensor, the last ones. Default 3.
        graph: (N, N), the edges on the map. Default: the adjacency of the series.
        facts: dict of term → text, further facts in the head of the page.
        figures: dict of name → `matplotlib.figure.Figure`, further figures, such as "attention".

    Raises:
        ValueError: if a step is not from 1 to the horizon.

    Raises:
        TypeError, ValueError: if an argument is invalid, or the folder of `path` does not exist.

    Example:
        >>> import pathlib, tempfile, numpy as np, stgkeras
        >>> series = stgkeras.datasets.from_arrays(np.arange(80.0).reshape(40, 2), interval=60)
        >>> first = np.arange(12, 39)
        >>> truth = series.values[first[:, None] + np.arange(2)]
        >>> compared = stgkeras.reports.Comparison(series, first, {"ours": truth + 1})
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.html"
        >>> stgkeras.reports.write_page(path, compared)
        >>> "<title>ours</title>" in path.read_text("utf-8")
        True
    """
    path = arguments.path("path", path)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(
            "`path` must be the path of a file in an existing folder. Received: path="
            f"{str(path)!r}. Pass a name such as report.html, or create the folder first."
        )
    fix = "Pass a `reports.Comparison(...)`, or the result of `reports.compare`."
    arguments.instance("comparison", comparison, Comparison, fix)
    days = arguments.number("days", days, above=0)
    for term, text in _pairs("facts", facts):
        arguments.text("facts", term), arguments.text("facts", text)
    for name, figure in _pairs("figures", figures):
        if not hasattr(figure, "savefig"):
            raise TypeError(
                f"`figures` must hold figures of Matplotlib. Received: {name!r} of type "
                f"{type(figure).__name__}. Pass a dict of name → figure."
            )
    ours = next(iter(comparison.forecasts))
    title = arguments.text("title", title) or (
        f"{ours} on {comparison.data}" if comparison.data else ours
    )
    steps = comparison.checked(steps)
    drawn = {**pictures(comparison, steps=steps, graph=graph), **(figures or {})}
    about = {**(facts or {}), **comparison.facts()}
    terms = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in about.items())
    shown = (
        _picture(drawn[name], CAPTIONS.get(name, name))
        for name in sorted(drawn, key=lambda n: list(CAPTIONS).index(n) if n in CAPTIONS else 99)
    )
    data = curves(comparison, steps, days)
    units = comparison.units if len(comparison.targets) == 1 else ""
    page = string.Template(PAGE.read_text("utf-8")).substitute(
        title=html.escape(title),
        summary="\n".join(terms),
        units=html.escape(units and f", in {units}"),
        table=_tables(comparison, steps),
        pictures="\n".join(shown),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),  # no </script>
    )
    path.write_text(page, "utf-8")


def _pairs(name, values):
    """Returns the pairs of a dict, or none of None. Raises TypeError for other values."""
    if values is not None and not isinstance(values, Mapping):
        raise TypeError(
            f"`{name}` must be a dict or None. Received: {name}={values!r}. Pass a dict with a name"
            " for each entry."
        )
    return (values or {}).items()


def curves(comparison: Comparison, steps: Sequence[int], days: float) -> dict[str, Any]:
    """Returns the data of the chart: readings and forecasts of the last days.

    Args:
        comparison: `Comparison`. The first target is drawn.
        steps: list of forecast steps. The first and the last step are drawn.
        days: float. Number of days.

    Returns:
        dict for JSON. Missing values are None. The times are milliseconds of the local clock.
    """
    series, truth = comparison.series, comparison.truth[..., 0]
    forecasts = {name: forecast[..., 0] for name, forecast in comparison.forecasts.items()}
    ours, predicted = next(iter(forecasts.items()))
    windows = len(truth)
    shown = np.arange(max(0, windows - int(days * comparison.steps_per_day)), windows)
    drawn, times = comparison.ahead[shown, 0], comparison.times
    clock = drawn * series.interval * 60_000
    if times is not None:
        local = times[drawn] if times.tz is None else times[drawn].tz_localize(None)
        clock = np.asarray(local, "datetime64[ms]").astype("int64")
    largest = np.nan_to_num(np.abs(truth[shown])).max() or 1.0
    decimals = 2 - int(np.floor(np.log10(largest)))  # the largest reading has three digits

    def ahead(values, step):
        issued = shown - (step - 1)  # window i forecasts the time of window i + step - 1
        said = values[np.maximum(issued, 0), step - 1]
        return np.where(issued[:, None] < 0, np.nan, said)

    lines = {"measured": truth[shown, 0]}
    for step in sorted({steps[0], steps[-1]}):
        lines[f"forecast {comparison.label(step)} ahead"] = ahead(predicted, step)
    base = next((name for name in (*USUAL, "last value") if name in forecasts), ours)
    if base != ours:
        lead = "" if base in USUAL else f" {comparison.label(steps[-1])} ahead"
        lines[f"baseline: {base}{lead}"] = ahead(forecasts[base], steps[-1])
    errors = np.ma.masked_invalid(np.abs(predicted - truth)).mean(axis=(0, 1))  # (N,)
    return {
        "names": series.names,
        "errors": _plain(np.ma.filled(errors, np.nan), decimals + 1),
        "first": int(np.argmax(np.ma.filled(errors, -1))),
        "times": clock.astype("int64").tolist(),
        "zone": series.timezone or "",
        "dated": times is not None,
        "units": comparison.units,
        "lines": [
            {"label": label, "values": [_plain(line, decimals) for line in values.T]}
            for label, values in lines.items()
        ],
    }


def _plain(values, decimals):
    """Returns rounded numbers for JSON, with None for NaN."""
    rounded = np.round(np.asarray(values, "float64"), decimals)
    return [None if np.isnan(v) else int(v) if v == int(v) else v for v in rounded.tolist()]


def _tables(comparison, steps):
    """Returns the table of errors of each target; those of several have a heading."""
    if len(comparison.targets) == 1:
        return _table(comparison.errors(steps))
    parts = []
    for place, target in enumerate(comparison.targets):
        name, unit = comparison.series.features[target], comparison.series.units[target]
        parts.append(f"<h3>{html.escape(f'{name}, in {unit}' if unit else name)}</h3>")
        parts.append(_table(comparison.errors(steps, place)))
    return "\n".join(parts)


def _table(errors):
    columns = list(next(iter(errors.values())))
    best = {column: min(row[column] for row in errors.values()) for column in columns}
    lines = ["<table><thead><tr><th></th>"]
    lines += [f"<th>{html.escape(column)}</th>" for column in columns]
    lines.append("</tr></thead><tbody>")
    for name, row in errors.items():
        cells = [f"{row[c]:#.4g}" if row[c] > best[c] else f"<b>{row[c]:#.4g}</b>" for c in columns]
        lines.append(f"<tr><th>{html.escape(name)}</th><td>{'</td><td>'.join(cells)}</td></tr>")
    return "\n".join([*lines, "</tbody></table>"])


def _picture(figure, caption):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160, bbox_inches="tight")
    source = base64.b64encode(file.getvalue()).decode()
    caption = html.escape(caption)
    return (
        f'<figure><img src="data:image/png;base64,{source}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
