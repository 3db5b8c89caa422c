"""Trains STGCN to forecast a series on a graph.

python examples/train_stgcn.py                              synthetic data of two roads
python examples/train_stgcn.py --dataset los_loop           published data; download or --path
python examples/train_stgcn.py --data FILE --season         NPZ or CSV, see load_series
python examples/train_stgcn.py … --out FOLDER --resume      resumes a run
tensorboard --logdir runs                                   shows curves, weights and figures
"""

import argparse

from train_astgcn import add_options, checked, main


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.set_defaults(model="STGCN", task="forecast", dataset="demo")
    return checked(parser, arguments)


if __name__ == "__main__":
    main(parse())
