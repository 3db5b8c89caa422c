"""Writes a report on a model that you trained with `model.fit`, as one HTML page.

python examples/report.py runs/roads demo
python examples/report.py runs/roads/model.keras speeds.csv --units km/h --places sensors.csv
python examples/report.py graph_stid_metr_la metr_la.npz --units mph --null-value 0

The model is a saved file, the folder of a run, or the name or folder of a preset. The data is a
file, see load_series, or the name of a published data set. Use the --val, --test and --boundary of
training, so that no tested window was trained on. `stgkeras report` reads the folder of `fit`.
"""

import pathlib

import demo_roads

from stgkeras.cli import series_scripts as scripts
from stgkeras.cli.report import with_places


def main(args):
    import keras

    from stgkeras import datasets, reports
    from stgkeras.models.graph_model import GraphModel

    scripts.check_new_file(args)
    path = pathlib.Path(args.model)
    path = path / "model.keras" if (path / "model.keras").is_file() else path
    model = keras.models.load_model(path) if path.is_file() else GraphModel.from_preset(path)
    name = type(model).__name__
    if not hasattr(model, "horizon") or model.dynamic_graph:
        raise scripts.UserError(f"{path} must hold a forecaster on a fixed graph. It holds {name}.")
    graph = reports.graph_of(model) if model.takes_graph else None
    series = scripts.load(args, demo_roads.load, graph)
    if (sizes := (model.num_nodes, model.num_features)) != (found := series.values.shape[1:]):
        raise scripts.UserError(f"{name} has (sensors, features) = {sizes}, {args.data} {found}.")
    series = with_places(series, args.places) if args.places else series
    length = length["recent"] if isinstance(length := model.input_length, dict) else length
    reach = {"input_length": length, "horizon": model.horizon}
    split = datasets.split_windows(len(series.values), **reach, **scripts.shares(args))
    targets = {"targets": range(model.num_outputs)}
    windows = reports.model_windows(model, series, split.test, batch_size=64, **targets)
    forecasts = {name: model.predict(windows, verbose=0)}
    forecasts |= reports.baselines(series, split, **reach, num_outputs=model.num_outputs)
    named = {"data": scripts.data_name(args), **targets}
    compared = reports.Comparison(series, split.test + length, forecasts, **named)
    about = f"{model.count_params():,} parameters; reads {model.input_length} steps"
    figures = reports.attention(model, series, split.test)
    show = {"steps": args.steps, "days": args.days, "facts": {"Model": about}, "figures": figures}
    reports.write_page(args.out, compared, **show)
    print(f"Wrote {args.out}. MAE of {name}: {compared.errors()[name]['MAE mean']:.4g}")
    print(f"Next: open {args.out} in a browser.")


def parse(arguments=None):
    return scripts.parse(scripts.parser(__doc__, "split", "report", epochs=None), arguments)


if __name__ == "__main__":
    scripts.run(main, parse())
