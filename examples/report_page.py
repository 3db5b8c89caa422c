"""Writes the page of report.py: errors, figures and forecasts per sensor in one HTML file."""

import base64
import html
import io
import json
import pathlib
import string

import numpy as np

PAGE = pathlib.Path(__file__).with_name("report.html")
CAPTIONS = {
    "errors": "Mean absolute error by minutes ahead and by hour of the day.",
    "sensors": "Mean absolute error of each sensor. Darker colours are larger errors.",
    "most": "The sensors with the largest errors.",
    "attention": "Attention weights. Sensors with similar weights are neighbours.",
}


def write(path, *, title, facts, errors, figures, data):
    """Writes the page.

    Args:
        path: path of the file.
        title: str. Title of the page.
        facts: dict of term → text.
        errors: {forecast: {column: error}}.
        figures: {name: figure}. The page shows the figures named in `CAPTIONS`.
        data: dict from `curves`.
    """
    terms = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items())
    shown = (_picture(figures[name], text) for name, text in CAPTIONS.items() if name in figures)
    page = string.Template(PAGE.read_text("utf-8")).substitute(
        title=html.escape(title),
        summary="\n".join(terms),
        units=html.escape(data["units"] and f", in {data['units']}"),
        table=_table(errors),
        pictures="\n".join(shown),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),  # no </script>
    )
    pathlib.Path(path).write_text(page, "utf-8")


def curves(task, truth, predicted, steps, days):
    """Returns the data of the chart: readings and forecasts of the last days of the test part.

    Args:
        task: `Task`.
        truth, predicted: (W, horizon, N).
        steps: list of forecast steps. The first and the last step are drawn.
        days: float. Number of days.

    Returns:
        dict for JSON. Missing values are None.
    """
    series, windows = task.series, len(truth)
    shown = np.arange(max(0, windows - int(days * task.day)), windows)
    times = series.timestamps
    start = task.ahead[shown[0], 0]
    milliseconds = start * series.interval * 60_000
    if times is not None:
        milliseconds = round(task.local_times()[start].timestamp() * 1000)
    largest = np.nan_to_num(np.abs(truth[shown])).max() or 1.0
    decimals = 2 - int(np.floor(np.log10(largest)))  # the largest reading has three digits
    lines = {"measured": truth[shown, 0]}
    for step in sorted({steps[0], steps[-1]}):
        issued = shown - (step - 1)  # window i forecasts the time of window i + step - 1
        said = predicted[np.maximum(issued, 0), step - 1]
        label = f"forecast {step * series.interval:g} min ahead"
        lines[label] = np.where(issued[:, None] < 0, np.nan, said)
    errors = np.ma.masked_invalid(np.abs(predicted - truth)).mean(axis=(0, 1))  # (N,)
    return {
        "names": series.names,
        "errors": _plain(np.ma.filled(errors, np.nan), decimals + 1),
        "first": int(np.argmax(np.ma.filled(errors, -1))),
        "start": int(milliseconds),
        "minutes": series.interval,
        "dated": times is not None,
        "units": series.units[0],
        "lines": [
            {"label": label, "values": [_plain(line, decimals) for line in values.T]}
            for label, values in lines.items()
        ],
    }


def _plain(values, decimals):
    """Returns rounded numbers for JSON, with None for NaN."""
    rounded = np.round(np.asarray(values, "float64"), decimals)
    return [None if np.isnan(v) else int(v) if v == int(v) else v for v in rounded.tolist()]


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
