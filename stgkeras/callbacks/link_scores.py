"""Scores of predicted links over a whole data set, after every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from stgkeras import arguments, metrics


class LinkScores(keras.callbacks.Callback):
    """Callback that adds exact link prediction scores to the logs of each epoch.

    Scores such as the average precision are not means over batches. The callback predicts all
    samples of `data` and ranks all pairs of nodes together. In the list of callbacks, place it
    before callbacks that use the scores, such as `EarlyStopping`.

    Args:
        data: sequence of batches (inputs, graphs), such as the result of `Snapshots.windows`. The
            graphs have the shape (batch, nodes, nodes).
        k: int or None. With an int, the callback also computes the recall of the k most probable
            pairs of each graph.
        directed: bool or None. If True, (n, m) and (m, n) are two pairs. If False, only the pairs
            n < m count. None: as `data` or the model says, else False. Default None.
        prefix: str. Prefix of the names "auc", "ap", "log_loss", "brier" and "recall_at_<k>" in the
            logs.

    Raises:
        ValueError: in `fit`, if `directed`, `data` and the model disagree; and at the end of an
            epoch with invalid predictions, such as NaN. Without this error, later callbacks could
            keep the invalid model, because Keras takes the first score as the best score, even if
            it is NaN.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> model = keras.Sequential([keras.Input((3, 3)), keras.layers.Activation("sigmoid")])
        >>> model.compile(loss="binary_crossentropy")
        >>> truth = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]], "float32")
        >>> scores = stgkeras.callbacks.LinkScores([(truth, truth)], k=1)
        >>> history = model.fit(truth, truth, verbose=0, callbacks=[scores]).history
        >>> history["val_ap"], history["val_recall_at_1"]
        ([1.0], [1.0])
    """

    def __init__(
        self,
        data: Sequence[tuple[Any, Any]],
        k: int | None = None,
        directed: bool | None = None,
        prefix: str = "val_",
    ) -> None:
        super().__init__()
        if (
            not hasattr(data, "__getitem__")
            or isinstance(data, (str, bytes, dict))
            or not _length(data)
        ):
            raise ValueError(
                "`data` must be a sequence of batches (inputs, graphs), with one batch at least. "
                f"Received: data={data!r}. Pass the result of `Snapshots.windows`, or a list."
            )
        if not isinstance(prefix, str):
            raise TypeError(f"`prefix` must be a str. Received: prefix={prefix!r}")
        self.k = None if k is None else arguments.integer("k", k)
        self.directed = None if directed is None else arguments.boolean("directed", directed)
        self.data, self.prefix = data, prefix

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._direction()

    def _direction(self):
        """Returns whether links are directed, as the argument, the data and the model say."""
        named = (("directed", self), ("data.directed", self.data), ("model.directed", self.model))
        found = {name: getattr(owner, "directed", None) for name, owner in named}
        found = {name: bool(value) for name, value in found.items() if value is not None}
        if len(set(found.values())) > 1:
            raise ValueError(
                "`directed` must be that of the data and of the model. Received: "
                f"{', '.join(f'{name}={value}' for name, value in found.items())}. "
                "Use the same value in all of them."
            )
        return any(found.values())

    def _batch(self, number):
        batch = self.data[number]
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(
                "`data` must hold batches (inputs, graphs). Received: a batch of type "
                f"{type(batch).__name__}. Pass pairs such as [(inputs, graphs)]."
            )
        return batch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        graphs, probabilities, directed = [], [], self._direction()
        for number in range(len(self.data)):
            x, y = self._batch(number)
            probabilities.append(keras.ops.convert_to_numpy(self.model.predict_on_batch(x)))
            graphs.append(keras.ops.convert_to_numpy(y))
        truth, predicted = np.concatenate(graphs), np.concatenate(probabilities)
        try:
            scores = metrics.link_scores(truth, predicted, directed)
        except ValueError as error:
            raise ValueError(
                f"`LinkScores` cannot score the predictions of the model after epoch {epoch}, "
                f"counted from 0: {error}"
            ) from error
        found = {name.lower().replace("-", "_"): value for name, value in scores.items()}
        if self.k is not None:
            recall = metrics.recall_at_k(truth, predicted, self.k, directed)
            found[f"recall_at_{self.k}"] = recall
        if logs is not None:
            logs.update({self.prefix + name: value for name, value in found.items()})


def _length(data):
    try:
        return len(data)
    except TypeError:  # of an array without axes
        return 0
