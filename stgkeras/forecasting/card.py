"""The model card of a forecaster: a Markdown text with its data, its errors and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stgkeras.datasets.series.clocks import with_offset
from stgkeras.datasets.series.sensor_names import shown
from stgkeras.forecasting.fitted import MODEL
from stgkeras.forecasting.form import Form

PARTS = {"train": "training", "val": "validation", "test": "test"}
USE = (
    "The forecaster is for these sensors and this interval only, while their roads, their way of "
    "measuring and the habits of people stay those of the training readings. Others need a new "
    "training: `forecaster.fit(series, initial=…)`. It knows nothing of events that the readings "
    "do not show, such as a closed road or a strike, unless they are covariates. A forecast of a "
    "sensor without recent readings is filled from its usual values, and has a flag: do not act "
    "on it as on a measurement. Do not decide about safety, or about single persons, by it alone."
)

FILE = (
    "The file beside this card computes the network alone, the row “model” of the table. The "
    "baselines, and the correction of the quantiles from which the coverage comes, are in the "
    "folder of the forecaster. With this folder, `stgkeras serve --runtime onnx` uses both."
)


def card(fitted: Any) -> str:
    """Returns the model card of a forecaster.

    Args:
        fitted: `Fitted` or `Preset`.
    """
    form, model = fitted.form, fitted.model
    targets = _named(form.target_names, form.target_units)
    span = f"{form.horizon} steps of {form.interval:g} minutes" if form.dated else form.horizon
    parts = {
        f"# {type(model).__name__} for {len(form.names)} sensors": (
            f"Forecasts {targets} of the next {span} from the last "
            f"{fitted.earlier + form.input_length} steps."
        ),
        "## Data": _data(form, _about(fitted).get("data", {})),
        "## Training and test": _split(fitted),
        "## Errors on the test part": _errors(fitted),
        "## Intended use and limits": "\n\n".join([USE, *_limits(fitted)]),
    }
    return "\n\n".join(f"{head}\n\n{text}" for head, text in parts.items()) + "\n"


def export_texts(fitted: Any) -> dict[str, Any]:
    """Returns what `stgkeras.export` writes beside the file of a forecaster."""
    from stgkeras.forecasting.graph import drawn_edges

    data = {"data": fitted.form.to_json(), "quantiles": fitted.model.quantiles}
    data["edges"] = drawn_edges(fitted.model).tolist()  # of a map
    text = card(fitted)
    if fitted.split is not None:
        text += f"\n{FILE}\n"
    return {"description": data, "card": text}


def _named(names, units):
    return ", ".join(
        name + (f" ({unit})" if unit else "") for name, unit in zip(names, units, strict=True)
    )


def _about(fitted):
    """Returns the metadata of a preset, {} of another forecaster."""
    return getattr(fitted, "metadata", {})


def _data(form: Form, about: Mapping[str, Any]) -> str:
    seen = [time for time in form.last_seen if time is not None]
    lines = {
        **{name: about.get(name, "") for name in ("series", "source", "graph")},
        "sensors": shown(form.names),
        "features": _named(form.features, form.units),
        "covariates": ", ".join(form.past_covariates + form.future_covariates),
        "time zone": form.timezone or ("none: local times as given" if form.dated else ""),
        "last reading": _latest(form, seen),
        "missing readings": ", ".join(
            sorted({f"{mark:g}" for mark in form.null_value if mark is not None})
        ),
        "lower bound of forecasts": ", ".join(
            f"{low:g} for {name}"
            for name, low in zip(form.target_names, form.floor, strict=True)
            if low is not None
        ),
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items() if text)


def _latest(form, seen):
    if not seen:
        return ""
    if not form.dated:
        return f"step {max(map(int, seen))}"
    import numpy as np

    newest = max(np.datetime64(time) for time in seen)
    return with_offset(np.array([newest], "datetime64[s]"), form.timezone)[0]


def _split(fitted):
    if fitted.split is None:
        found = _about(fitted).get("split")
        if not found:
            return "The numbers of windows are not known."
        return "\n".join(f"- {PARTS.get(name, name)}: {text}" for name, text in found.items())
    counts = [
        f"{fitted.split[name]:,} windows for {word}"
        + (f" from {fitted.begins[name]}" if fitted.begins.get(name) else "")
        for name, word in PARTS.items()
    ]
    text = f"{', '.join(counts)}, one after the other in time."
    weights = fitted.weights.mean()
    return (
        f"{text} The forecast is a weighted mean of the network and of baselines, by their "
        f"validation errors; the network has {weights[MODEL]:.0%} of the weight, in the mean over "
        "the steps ahead."
    )


def _errors(fitted):
    errors, form = fitted.errors, fitted.form
    units = _named(form.target_names, form.target_units)
    words = (
        f"MAE is the mean absolute error, RMSE the root mean squared error, of {units}. "
        "“Coverage” is the share of readings inside an interval.\n\n"
    )
    if errors is None:
        metrics = _about(fitted).get("metrics", {})
        found = [
            f"- {name}: {value:.4g}"
            for name, value in metrics.items()
            if name[:3] in ("MAE", "RMS")
        ]
        if found:
            return words + "\n".join(found)
        return "Not computed. Call `forecaster.evaluate()` before `save` and `export`."
    names = [str(one) for one in errors.columns]
    lines = [["", *names], ["---"] * (len(names) + 1)]
    for label, row in errors.iterrows():
        label = ", ".join(label) if isinstance(label, tuple) else str(label)
        lines.append([label, *("" if value != value else f"{value:.4g}" for value in row)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return words + table


def _limits(fitted):
    form = fitted.form
    never = [name for name, known in zip(form.names, form.trained, strict=True) if not known]
    if never:
        yield f"Without a reading in training: {shown(never)}."
    silent = [
        name
        for name, last in zip(form.names, form.last_seen, strict=True)
        if last is None and name not in never
    ]
    if silent:
        yield f"Without a reading of all targets: {shown(silent)}."
    if getattr(fitted.model, "quantiles", None) is None:
        yield "It has no intervals: a forecast says nothing of its own uncertainty."
    elif fitted.errors is None:
        yield "The coverage of its intervals on a test part is not known."
