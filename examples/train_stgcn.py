"""Trains STGCN to forecast a series on a graph; what train_astgcn.py does with ASTGCN.

python examples/train_stgcn.py                              on two made-up roads
python examples/train_stgcn.py --dataset los_loop           published; downloaded, or --path
python examples/train_stgcn.py --data FILE --season         npz or csv, see load_series
python examples/train_stgcn.py … --out FOLDER --resume      goes on where it stopped
tensorboard --logdir runs                                   shows curves, weights and pictures
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
