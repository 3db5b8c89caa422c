"""Reports on forecasts of the test part: baselines, a table of errors, and figures."""

import numpy as np

from stgkeras import datasets, layers, metrics, models, plots

SHOWN = ("last value", "historical mean", "ridge on the residual")  # in the figure of errors
KINDS = {"temporal": "steps", "spatial": "sensors"}


def baselines(task):
    """Returns baseline forecasts of the test windows, {name: (W, horizon, N, num_outputs)}.

    If the reading of the last day or week is missing, its forecast is the last value.
    """
    past = {"values": task.targets, "starts": task.split.test, **task.reach}
    rows = {"last value": datasets.last_value(**past)}
    clock = {}
    if task.calendar is not None:
        clock = {"calendar": task.calendar, "steps_per_day": task.day}
    for name, lag in (("same time last day", task.day), ("same time last week", 7 * task.day)):
        if task.reach["horizon"] <= lag <= task.ahead[0, 0]:
            then = datasets.same_time(**past, lag=lag, **clock)
            if not np.isnan(then).all():  # as on the clock of a series without weekends
                rows[name] = np.where(np.isnan(then), rows["last value"], then)
    if clock:
        past |= clock
        rows["historical mean"] = datasets.historical_mean(**past, num_train=task.known)
        rows["ridge on the residual"] = np.concatenate(
            [
                datasets.residual_ridge(**past | {"values": feature}, train=task.split.train)
                for feature in np.split(task.targets, task.num_outputs, axis=-1)
            ],
            axis=-1,
        )
    return rows


def table(task, forecasts, steps):
    """Returns test errors {forecast: {column: error}} at these forecast steps."""
    truth, labels = task.targets[task.ahead], _labels(task, steps)
    return {name: metrics.forecast_errors(truth, p, labels) for name, p in forecasts.items()}


def pictures(task, forecasts, steps):
    """Returns figures {name: figure} of the first feature.

    Args:
        task: `Task`.
        forecasts: {name: (W, horizon, N, num_outputs)}. The first is the forecast of the model.
        steps: list of forecast steps. The first and the last step are drawn.
    """
    series, truth = task.series, task.targets[task.ahead][..., 0]
    forecasts = {name: forecast[..., 0] for name, forecast in forecasts.items()}  # (W, H, N)
    ours, predicted = next(iter(forecasts.items()))
    units = series.units[0] or series.features[0]
    day = np.ma.masked_invalid(truth[: task.day])
    busiest = int(day.std((0, 1)).filled(-1).argmax())
    errors = np.ma.masked_invalid(abs(predicted - truth)).mean((0, 1))  # (N,)
    figures = {
        "forecast": plots.forecast(
            *(array[: task.day, :, busiest] for array in (truth, predicted)),
            _labels(task, (steps[0], steps[-1])),
            step_minutes=series.interval,
            title=f"sensor {series.names[busiest]}, one day",
            units=units,
        ),
        "sensors": plots.graph(
            series.adjacency,
            errors.filled(np.nan),
            series.positions,
            title=f"{ours}: largest error at sensor {series.names[errors.filled(-1).argmax()]}",
            label=f"mean absolute error ({units})",
        ),
    }
    if series.timestamps is not None:
        hours = 24 * series.calendar[task.ahead, 0]
        shown = {name: forecasts[name] for name in (ours, *SHOWN) if name in forecasts}
        figures["errors"] = plots.errors_in_time(
            truth, shown, hours, step_minutes=series.interval, units=units
        )
    return figures


def attention(task, model):
    """Returns a figure of the mean attention weights of about 60 windows, or {} without any."""
    if not any(isinstance(layer, layers.SpatialAttention) for layer in model.layers):
        return {}
    starts = task.split.test[:: -(-len(task.split.test) // 64)]
    inputs, _ = task.batches(starts, batch_size=64)[0]
    scores = {}
    for name, array in models.attention_scores(model, inputs).items():
        block, kind, _ = name.rsplit("_", 2)
        scores[f"{block}, between {KINDS[kind]}"] = array
    figure = plots.attention(
        scores,
        clustered=[name for name in scores if name.endswith("sensors")],
        names=task.series.names,
        title=f"mean over {len(starts)} windows",
    )
    return {"attention": figure}


def facts(task, model):
    """Returns a description of the model and the data, {term: text}."""
    series, reads = task.series, f"the last {task.reach['input_length']}"
    if task.components:
        reads = ", ".join(f"{count} {name}" for name, count in task.components.items())
    parameters = sum(np.prod(weight.shape, dtype=int) for weight in model.trainable_weights)
    split = ", ".join(f"{len(part)} {name}" for name, part in task.split._asdict().items())
    data = f"{len(series.values)} steps of {series.interval:g} minutes"
    if series.timestamps is not None:
        times = task.local_times()
        first, last, tested = (f"{times[t]:%Y-%m-%d %H:%M}" for t in (0, -1, task.ahead[0, 0]))
        data, split = f"{data}, {first} to {last}", f"{split}; the test part starts at {tested}"
    missing = np.isnan(series.values).mean()
    return {
        "Model": f"{parameters:,} parameters; reads {reads} steps, forecasts {model.horizon}",
        "Data": f"{len(series.names)} sensors, {', '.join(series.features)}; {data}; "
        f"{missing:.1%} of the readings missing",
        "Windows": split,
    }


def _labels(task, steps):
    return {f"{step * task.series.interval:g} min": step for step in steps}
