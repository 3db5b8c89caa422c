"""Trains STGCN, or another forecaster of stgkeras, to forecast a series on a graph.

python examples/train_stgcn.py                              made-up speeds on two roads
python examples/train_stgcn.py --model STID                 a name of `models.forecasters()`
python examples/train_stgcn.py --dataset los_loop           published data; download or --path
python examples/train_stgcn.py --data FILE --season         your series, see load_series
python examples/train_stgcn.py … --out FOLDER --resume      resumes a run
"""

from train_astgcn import main

from stgkeras.cli import series_scripts as scripts


def parse(arguments=None):
    usual = {"task": "forecast", "dataset": "demo"}
    parser = scripts.parser(__doc__, "data", "split", "training", "steps", **usual)
    parser.add_argument("--model", default="STGCN", help="name of a forecaster (STGCN)")
    return scripts.parse(parser, arguments)


if __name__ == "__main__":
    scripts.run(main, parse())
