"""The task to forecast the next 12 steps of a series on a graph from the last 12 steps."""

import demo_roads

from stgkeras import forecasting, losses, metrics, models, reports
from stgkeras.cli import series_scripts as scripts
from stgkeras.cli import terminal, words

REACH = {"input_length": 12, "horizon": 12}
STEPS = (3, 6, 12)


def task(args):
    """Returns windows, a model, arguments of `compile`, and the functions `report` and `watch`.

    `report(predictions, folder)` prints and returns test errors, and draws figures.
    `watch(model)` returns figures of the last day of validation.
    """
    series, split, known = scripts.read(args, demo_roads.load, **REACH)
    print(words.series_text(scripts.data_name(args), series))
    _, nodes, features = series.values.shape
    day = round(24 * 60 / series.interval)
    own = forecasting.series_arguments(args.model, series)
    model = getattr(models, args.model)(
        nodes,
        **own,
        **REACH,
        num_features=features,
        num_outputs=features if args.data else 1,  # papers compare the first feature, such as flow
        **({"season": day} if args.season else {"normalize": True}),
        **({"dropout": 0.0} if args.model == "STGCN" else {}),
    )
    model.adapt(series.values[:known], *([series.calendar[:known]] if args.season else []))
    outputs = range(model.num_outputs)
    options = {"targets": outputs, "batch_size": args.batch_size, "seed": args.seed}
    windows = [
        reports.model_windows(model, series, part, shuffle=part is split.train, **options)
        for part in split
    ]

    def compare(predicted, starts):
        part = split._replace(test=starts)
        rows = reports.baselines(series, part, **REACH, num_outputs=len(outputs))
        rows = {args.model: predicted} | rows
        return reports.Comparison(series, starts + 12, rows, outputs, scripts.data_name(args))

    def report(predicted, folder):
        compared = compare(predicted, split.test)
        for name, figure in reports.pictures(compared, steps=STEPS).items():
            figure.savefig(folder / f"{name}.png", dpi=150)
        return terminal.print_errors(compared.errors(STEPS), series.units)

    def watch(model):
        last = reports.model_windows(model, series, split.val[-day:], **options)
        compared = compare(model.predict(last, verbose=0), last.starts)
        figures = reports.pictures(compared, steps=STEPS)
        return figures | reports.attention(model, series, last.starts)

    goal = {"metrics": [metrics.MaskedMeanAbsoluteError(step) for step in STEPS]}
    return windows, model, goal | {"loss": losses.MaskedMeanAbsoluteError()}, report, watch
