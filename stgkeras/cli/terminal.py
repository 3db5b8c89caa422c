"""What scripts print: a line for each epoch of a training, and a table with the best values."""

from __future__ import annotations

import math
import sys
import textwrap
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stgkeras.cli import words

if TYPE_CHECKING:
    import keras

    from stgkeras.datasets import Windows

LINKS = (
    "AUC: area under the ROC curve, by kind of graph; AP: average precision; Brier: mean squared "
    "error of the probabilities. The Bayes oracle knows how the graphs are drawn: none is better."
)
SMALLER_IS_BETTER = ("MAE", "RMSE", "MAPE", "Brier", "log-loss")


def model_text(model: keras.Model, **windows: Windows) -> str:
    """Describes a model and its windows.

    Args:
        model: model with weights.
        **windows: `datasets.Windows` of each part of the data.
    """
    count = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    parts = ", ".join(f"{len(part.starts):,} for {name}" for name, part in windows.items())
    return f"{type(model).__name__}, {count:,} trained parameters. Windows: {parts}."


def epoch_lines(column: str, mode: str, best: float | None = None) -> keras.callbacks.Callback:
    """Returns a callback that prints a line for each epoch, to replace the progress bar of Keras.

    Args:
        column: str. The value to print beside the loss, such as "val_loss".
        mode: "min" or "max", whether a smaller or a larger value is better. The best value so far
            gets a star.
        best: float. Best value of an earlier part of the training, or None.

    Example:
        >>> import keras, numpy as np
        >>> from stgkeras.cli.terminal import epoch_lines
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, lines = np.zeros((4, 1)), epoch_lines("val_loss", "min")
        >>> data = {"x": x, "y": x, "validation_data": (x, x)}
        >>> history = model.fit(**data, verbose=0, callbacks=[lines])  # doctest: +ELLIPSIS
        Training, 1 epoch of 1 step (* the best so far):
        epoch 1 of 1   ... s   loss 0   validation loss 0 *
    """
    import keras

    sign = 1 if mode == "min" else -1
    state = {"best": math.inf if best is None else sign * best, "start": 0.0}
    name = column.replace("val_loss", "validation loss").replace("val_", "validation ")
    live = sys.stdout.isatty()

    class EpochLines(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            epochs = words.counted(self.params["epochs"], "epoch")
            steps = words.counted(self.params["steps"], "step")
            print(f"Training, {epochs} of {steps} (* the best so far):", flush=True)

        def on_epoch_begin(self, epoch, logs=None):
            state["start"] = time.perf_counter()
            last = self.params["epochs"]
            self.head = f"epoch {epoch + 1:{len(str(last))}} of {last}"

        def on_train_batch_end(self, batch, logs=None):
            if live:
                step = f"{batch + 1} of {self.params['steps']}"
                print(f"\r{self.head}   step {step}", end="", flush=True)

        def on_epoch_end(self, epoch, logs=None):
            seconds = time.perf_counter() - state["start"]
            value = sign * logs[column]
            text = f"{self.head}   {seconds:.0f} s   loss {logs['loss']:.4g}   "
            text += f"{name} {logs[column]:.4g}{' *' if value < state['best'] else ''}"
            state["best"] = min(state["best"], value)
            left = (self.params["epochs"] - epoch - 1) * seconds
            if epoch and left:  # the first epoch compiles the model
                text += f"   about {duration_text(left)} left"
            print(("\r\033[K" if live else "") + text, flush=True)

    return EpochLines()


def duration_text(seconds: float) -> str:
    """Returns seconds or minutes as text.

    Example:
        >>> from stgkeras.cli.terminal import duration_text
        >>> duration_text(95), duration_text(400)
        ('95 s', '7 min')
    """
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def scores_text(
    title: str, rows: Mapping[str, Mapping[str, float]], legend: str, aside: Collection[str] = ()
) -> str:
    """Returns a table of scores. The best value of each column has a star.

    Args:
        title: str. Printed above the table.
        rows: dict of name → dict of column → value. Small values are better in columns that start
            with `SMALLER_IS_BETTER`, large ones in others.
        legend: str. Explains the columns. The meaning of the star is added.
        aside: names of rows that are not compared, such as what no model can know.

    Example:
        >>> from stgkeras.cli.terminal import scores_text
        >>> rows = {"model": {"MAE 5 min": 3.25, "AUC": 0.5}, "last": {"MAE 5 min": 12, "AUC": 0.7}}
        >>> print(scores_text("Test", rows, "MAE: mean absolute error."))
        Test
                  MAE      AUC
                5 min
        model   3.25*  0.5000
        last   12.00   0.7000*
        MAE: mean absolute error. *: best of the column.
    """
    import pandas as pd

    frame = pd.DataFrame.from_dict(dict(rows), orient="index")
    compared = frame.drop(index=list(aside))
    cells = {}
    for column in map(str, frame):
        smaller = column.startswith(SMALLER_IS_BETTER)
        best = compared[column].min() if smaller else compared[column].max()
        largest = frame[column].abs().max()
        digits = max(0, 3 - math.floor(math.log10(largest))) if 0 < largest < math.inf else 3
        cells[column] = [
            f"{value:.{digits}f}{'*' if value == best and name in compared.index else ' '}"
            for name, value in frame[column].items()
        ]
    text = pd.DataFrame(cells, frame.index)
    kinds = [column.partition(" ") for column in cells]
    text.columns = pd.MultiIndex.from_tuples([(kind, rest) for kind, _, rest in kinds])
    explained = textwrap.fill(f"{legend} *: best of the column.", 100)
    lines = [line.rstrip() for line in text.to_string().splitlines()]
    return "\n".join([title, *lines, explained])


def print_errors(rows: Mapping[str, Mapping[str, float]], units: Sequence[str] = ()) -> Any:
    """Prints the table of the errors of forecasts, and returns its rows.

    Args:
        rows: dict of forecast → dict of error, such as "MAE 15 min" or "RMSE mean", → value.
        units: units of the features.
    """
    short = {
        name: {key: row[key] for key in row if key == "RMSE mean" or key.startswith("MAE ")}
        for name, row in rows.items()
    }
    found = ", ".join(dict.fromkeys(filter(None, units)))
    legend = (
        "MAE: mean absolute error, by minutes ahead and over all steps. RMSE: root mean squared "
        "error; metrics.json has it by minutes ahead too."
    )
    print(scores_text(f"\nTest errors{found and f' in {found}'}", short, legend))
    return rows
