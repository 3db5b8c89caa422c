"""Trains STGCN to forecast a series on a graph.

python examples/train_stgcn.py                              made-up speeds on two roads
python examples/train_stgcn.py --dataset los_loop           published data; download or --path
python examples/train_stgcn.py --data FILE --season         your series, see load_series
python examples/train_stgcn.py … --out FOLDER --resume      resumes a run
"""

from train_astgcn import main

from stgkeras.cli import series_scripts as scripts


def parse(arguments=None):
    usual = {"model": "STGCN", "task": "forecast", "dataset": "demo"}
    parser = scripts.parser(__doc__, "data", "split", "training", "steps", **usual)
    return scripts.parse(parser, arguments)


if __name__ == "__main__":
    scripts.run(main, parse())
