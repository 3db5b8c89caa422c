"""The two tasks of train_astgcn.py. Each returns its training, validation and test windows, a
model, a loss, and a function that reports on test predictions as {row: {column: figure}}."""

import numpy as np

from stgkeras import datasets, graphs, losses, metrics, models, plots


def links(args):
    """Predicts the next of a sequence of generated graphs."""
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

    return windows, model, losses.FocalLoss(), report


def forecast(args):
    """Forecasts the next 12 steps of a measured series from the last 12."""
    series = datasets.load_series(
        args.data,
        args.graph,
        symmetric=True,
        interval=args.interval,
        null_value=args.null_value,
    )
    if series.interval is None:
        raise SystemExit(f"{args.data} does not tell its interval: pass --interval MINUTES")
    if series.adjacency is None:
        raise SystemExit(f"{args.data} holds no graph: pass --graph FILE")
    if args.season and series.timestamps is None:
        raise SystemExit(f"{args.data} holds no timestamps: leave --season out")
    values, minutes = series.values, series.interval
    calendar = None if series.timestamps is None else datasets.calendar(series.timestamps)
    day = round(24 * 60 / minutes)
    reach = {"input_length": 12, "horizon": 12}
    split = datasets.split_windows(
        len(values), **reach, val=args.val, test=args.test, boundary=args.boundary
    )
    options = {**reach, "batch_size": args.batch_size, "seed": args.seed}
    options |= {"missing": True, "calendar": calendar if args.season else None}
    windows = [
        datasets.Windows(values, values, part, shuffle=part is split.train, **options)
        for part in split
    ]
    _, nodes, features = values.shape
    graph = graphs.scaled_laplacian(series.adjacency)
    scaler = {"season": day} if args.season else {"normalize": True}
    model = models.ASTGCN(nodes, graph=graph, num_features=features, num_outputs=features, **scaler)
    known = slice(datasets.training_steps(split, **reach))
    model.adapt(values[known], *([calendar[known]] if args.season else []))

    def report(predicted, folder):
        past = {"values": values, "starts": split.test, **reach}
        rows = {"ASTGCN": predicted, "last value": datasets.last_value(**past)}
        for name, lag in (("same time last day", day), ("same time last week", 7 * day)):
            if lag <= split.test[0] + reach["input_length"]:
                rows[name] = datasets.same_time(**past, lag=lag)
        if calendar is not None:
            ridges = [
                datasets.residual_ridge(
                    **{**past, "values": values[..., feature : feature + 1]},
                    calendar=calendar,
                    train=split.train,
                    steps_per_day=day,
                )
                for feature in range(features)
            ]
            rows["ridge on the residual"] = np.concatenate(ridges, axis=-1)
        truth = values[split.test[:, None] + 12 + np.arange(12)]
        steps = {f"{step * minutes:g} min": step for step in (3, 6, 12)}
        sensor = int(truth[..., 0].std((0, 1)).argmax())
        figure = plots.forecast(
            *(a[: round(24 * 60 / minutes), :, sensor, 0] for a in (truth, predicted)),
            {label: steps[label] for label in list(steps)[::2]},
            step_minutes=minutes,
            title=f"sensor {series.names[sensor]}, first day of the test part",
            units=series.features[0],
        )
        figure.savefig(folder / "forecast.png", dpi=150)
        return {name: metrics.forecast_errors(truth, p, steps) for name, p in rows.items()}

    return windows, model, losses.MaskedMeanAbsoluteError(), report
