"""Tasks of train_astgcn.py and train_stgcn.py.

Each task returns training, validation and test windows, a model, arguments of `compile`, a function
`report(predictions, folder)` that returns test scores {row: {column: score}}, and a function
`watch(model)` that returns figures {name: figure} of validation windows during training.
"""

import dataclasses

import demo_roads
import forecast_task
import numpy as np
from forecast_report import attention, baselines, pictures, table

from stgkeras import datasets, losses, metrics, models, plots

DATASETS = (  # data sets of the library, and synthetic data ("demo")
    *("metr_la", "pems_bay", "pemsd7m", "pems03", "pems04", "pems07", "pems08"),
    *("los_loop", "sz_taxi", "demo"),
)


def links(args):
    """Returns the task to predict the next graph in sequences of generated graphs."""
    data = datasets.load_dynamic_graphs(num_sequences=args.sequences, seed=args.seed)
    split = datasets.split_sequences(data.kinds, args.val, args.test, seed=args.seed)
    windows = [
        data.windows(part, batch_size=args.batch_size, shuffle=part is split.train, seed=args.seed)
        for part in split
    ]
    model = models.ASTGCNLinkPredictor(data.num_nodes, node_values=args.node_values, normalize=True)
    model.adapt(data.features[split.train])

    def report(predicted, folder):
        test = windows[2]
        batches = [test[i] for i in range(len(test))]
        past = np.concatenate([x["graph"] for x, _ in batches])
        truth = np.concatenate([y for _, y in batches])
        rows = {
            "ASTGCN": predicted,
            "last graph": datasets.last_graph(past),
            "mean of the window": datasets.window_mean(past),
            "exponential mean": datasets.exponential_mean(past),
            "Bayes oracle": datasets.oracle(data, test),
        }
        kinds = data.kinds[test.starts // data.num_steps]
        shown = {"next graph": truth[0], "ASTGCN": predicted[0], "oracle": rows["Bayes oracle"][0]}
        plots.adjacency(shown, title=str(kinds[0])).savefig(folder / "links.png", dpi=150)
        table = {name: {} for name in rows}
        for name, p in rows.items():
            for kind in np.unique(kinds):
                scores = metrics.link_scores(truth[kinds == kind], p[kinds == kind])
                table[name][f"AUC {kind}"] = scores["AUC"]
            table[name] |= {k: metrics.link_scores(truth, p)[k] for k in ("AP", "Brier")}
        return table

    def watch(model):
        x, truth = windows[1][0]
        shown = {"next graph": truth[0], "predicted": model.predict(x, verbose=0)[0]}
        found = models.attention_scores(model, x).items()
        scores = {name.removesuffix("_attention"): array for name, array in found}
        return {"links": plots.adjacency(shown), "attention": plots.attention(scores)}

    return windows, model, {"loss": losses.FocalLoss()}, report, watch


def forecast(args):
    """Returns the task to forecast the next 12 steps of a series from the last 12 steps."""
    series, reach = measured(args), {"input_length": 12, "horizon": 12}
    shares = {"val": args.val, "test": args.test, "boundary": args.boundary}
    split = datasets.split_windows(len(series.values), **reach, **shares)
    # Papers compare errors of the first feature, such as flow.
    num_outputs = series.values.shape[-1] if args.data else 1
    task = forecast_task.Task(series, split, reach, num_outputs, args.season)
    if args.season and task.calendar is None:
        raise SystemExit(
            f"A day is not a multiple of {series.interval:g} minutes. Remove --season."
        )

    steps = (3, 6, 12)
    # Figures during training show the last day of validation, because the test part is held out.
    watched = dataclasses.replace(task, split=split._replace(test=split.val[-task.day :]))

    def report(predicted, folder):
        forecasts = {args.model: predicted} | baselines(task)
        for name, figure in pictures(task, forecasts, steps).items():
            figure.savefig(folder / f"{name}.png", dpi=150)
        return table(task, forecasts, steps)

    def watch(model):
        last = watched.batches(watched.split.test, batch_size=args.batch_size)
        forecasts = {args.model: model.predict(last, verbose=0)}
        return pictures(watched, forecasts, steps) | attention(watched, model)

    model = task.model(args.model)
    windows = task.windows(args.batch_size, args.seed)
    errors = [metrics.MaskedMeanAbsoluteError(step) for step in steps]
    goal = {"loss": losses.MaskedMeanAbsoluteError(), "metrics": errors}
    return windows, model, goal, report, watch


def measured(args):
    """Loads the series of the arguments, with its time interval and graph."""
    if not args.data:
        if args.dataset == "demo":
            return demo_roads.load()
        return getattr(datasets, f"load_{args.dataset}")(args.path)
    series = datasets.load_series(
        args.data,
        args.graph,
        key=args.key,
        symmetric=True,
        interval=args.interval,
        null_value=args.null_value,
    )
    if series.interval is None:
        raise SystemExit(f"{args.data} has no time interval. Pass --interval MINUTES.")
    if series.adjacency is None:
        raise SystemExit(f"{args.data} has no graph. Pass --graph FILE.")
    if args.season and series.timestamps is None:
        raise SystemExit(f"{args.data} has no timestamps. Remove --season.")
    return series
