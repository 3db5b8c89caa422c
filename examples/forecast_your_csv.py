"""From a file of readings to a dated forecast, test errors, figures and a report.

python examples/forecast_your_csv.py                               made-up speeds on two roads
python examples/forecast_your_csv.py speeds.csv roads.csv --units km/h --null-value 0
python examples/forecast_your_csv.py flows.csv sensors.csv --timezone Europe/Paris --horizon 24

The readings have a row per time and a column per sensor, or a row per time and sensor. The roads
have the columns from,to,distance or sensor,latitude,longitude. See load_series for other forms.
The commands `stgkeras fit`, `forecast`, `evaluate` and `report` do the same without Python.
"""

import shlex

import demo_roads

import stgkeras
from stgkeras.cli import reading, words
from stgkeras.cli import series_scripts as scripts


def main(args):
    folder = scripts.new_folder(args)
    if args.data is None:
        (args.data, args.graph), args.units = map(str, demo_roads.write(folder)), ["km/h"]
    series = stgkeras.datasets.load_series(args.data, args.graph, **reading.series_options(args))

    forecaster = stgkeras.Forecaster(args.model, horizon=args.horizon)
    forecaster.fit(series, epochs=args.epochs, seed=args.seed)
    print(words.graph_text(forecaster.graph_summary()))
    print(words.weights_text(forecaster.weights, args.model))
    errors = forecaster.evaluate()
    errors.to_csv(folder / "table.csv", index_label="forecast")
    forecaster.forecast().to_csv(folder / "forecast.csv")
    forecaster.save(folder / "forecaster")

    compared = stgkeras.reports.compare(forecaster, series, data=scripts.data_name(args))
    graph = stgkeras.reports.graph_of(forecaster.model)
    for name, figure in stgkeras.reports.pictures(compared, graph=graph).items():
        figure.savefig(folder / f"{name}.png", dpi=200)
    stgkeras.reports.write_page(folder / "report.html", compared, graph=graph)

    print(words.errors_text(errors, series.units, "the last part, not used in training"))
    files = shlex.join([str(folder / "forecaster"), args.data]) + reading.again(args)
    print(f"All files are in {folder}. Next, open {folder}/report.html, or:")
    print(f"  stgkeras forecast {files} --out next.csv")


def parse(arguments=None):
    parser = scripts.parser(__doc__, "csv", epochs=30)
    args = scripts.parse(parser, arguments)
    if args.data and not args.graph:
        parser.error("the readings need a graph: pass a file of distances or positions")
    return args


if __name__ == "__main__":
    scripts.run(main, parse())
