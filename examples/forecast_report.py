"""What is told of forecasts of a test part: baselines beside them, a table, pictures."""

import numpy as np

from stgkeras import datasets, layers, metrics, models, plots

SHOWN = ("last value", "historical mean", "ridge on the residual")  # in the picture of errors
KINDS = {"temporal": "steps", "spatial": "sensors"}


def baselines(task):
    """Forecasts of the test windows without a network: {name: (W, horizon, N, num_outputs)}.

    Where the reading of the last day or week is missing, the last value stands in.
    """
    past = {"values": task.targets, "starts": task.split.test, **task.reach}
    rows = {"last value": datasets.last_value(**past)}
    for name, lag in (("same time last day", task.day), ("same time last week", 7 * task.day)):
        if task.reach["horizon"] <= lag <= task.ahead[0, 0]:
            then = datasets.same_time(**past, lag=lag)
            rows[name] = np.where(np.isnan(then), rows["last value"], then)
    if task.calendar is not None:
        past |= {"calendar": task.calendar, "steps_per_day": task.day}
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
    """Test errors {row: {column: figure}} of forecasts by name, at these steps ahead."""
    truth, labels = task.targets[task.ahead], _labels(task, steps)
    return {name: metrics.forecast_errors(truth, p, labels) for name, p in forecasts.items()}


def pictures(task, forecasts, steps, positions=None):
    """Figures by name, of the first feature; the first of the forecasts is the model's.

    Args:
        forecasts: {name: (W, horizon, N, num_outputs)}.
        steps: steps ahead, of which the first and the last are drawn.
        positions: None, or (N, 2) of the sensors in km.
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
            positions,
            title=f"{ours}: largest at sensor {series.names[errors.filled(-1).argmax()]}",
            label=f"mean absolute error ({units})",
        ),
    }
    if series.timestamps is not None:
        times = series.timestamps[task.ahead]
        hours = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
        shown = {name: forecasts[name] for name in (ours, *SHOWN) if name in forecasts}
        figures["errors"] = plots.errors_in_time(
            truth, shown, hours, step_minutes=series.interval, units=units
        )
    return figures


def attention(task, model):
    """A picture of who attends to whom, over some 60 windows, if the model has attention."""
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
    """What model and data are, {term: text}."""
    series, reads = task.series, f"the last {task.reach['input_length']}"
    if task.components:
        reads = ", ".join(f"{count} {name}" for name, count in task.components.items())
    parameters = sum(np.prod(weight.shape, dtype=int) for weight in model.trainable_weights)
    split = ", ".join(f"{len(part)} {name}" for name, part in task.split._asdict().items())
    data = f"{len(series.values)} steps of {series.interval:g} minutes"
    if series.timestamps is not None:
        times = np.datetime_as_string(series.timestamps, "m")
        first, last, tested = (times[t].replace("T", " ") for t in (0, -1, task.ahead[0, 0]))
        data, split = f"{data}, {first} to {last}", f"{split}; tested from {tested} on"
    missing = np.isnan(series.values).mean()
    return {
        "Model": f"{parameters:,} parameters; reads {reads} steps, forecasts {model.horizon}",
        "Data": f"{len(series.names)} sensors, {', '.join(series.features)}; {data}; "
        f"{missing:.1%} of the readings missing",
        "Windows": split,
    }


def _labels(task, steps):
    return {f"{step * task.series.interval:g} min": step for step in steps}
