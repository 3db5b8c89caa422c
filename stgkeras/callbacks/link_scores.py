import keras
import numpy as np

from stgkeras import metrics


class LinkScores(keras.callbacks.Callback):
    """Adds the exact scores of predicted links to the logs of each epoch.

    Average precision and the like are no means over batches: this predicts all of `data` and ranks
    all its pairs at once. Put it before callbacks that watch its names, such as `EarlyStopping`.

    Args:
        data: batches of inputs and graphs (batch, nodes, nodes), such as `Snapshots.windows` gives,
            in an order of their own.
        k: None, or int: also the recall among the k most probable pairs of a graph.
        directed: bool. Whether pairs n ≠ m count twice, or once as n < m.
        prefix: str, before "auc", "ap", "log_loss", "brier" and "recall_at_<k>".

    Raises:
        ValueError: at the end of an epoch whose predictions cannot be scored, such as NaN. It ends
            `fit` before callbacks that follow see the epoch: Keras's take a first NaN for the best
            score, and would keep that model.

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

    def __init__(self, data, k=None, directed=False, prefix="val_"):
        super().__init__()
        self.data, self.k, self.directed, self.prefix = data, k, directed, prefix

    def on_epoch_end(self, epoch, logs=None):
        truth, predicted = [], []
        for number in range(len(self.data)):
            x, y = self.data[number]
            predicted.append(keras.ops.convert_to_numpy(self.model.predict_on_batch(x)))
            truth.append(keras.ops.convert_to_numpy(y))
        truth, predicted = np.concatenate(truth), np.concatenate(predicted)
        try:
            scores = metrics.link_scores(truth, predicted, self.directed)
        except ValueError as error:
            raise ValueError(
                f"`LinkScores` cannot score what the model predicts after epoch {epoch}, counted "
                f"from 0: {error}"
            ) from error
        found = {name.lower().replace("-", "_"): value for name, value in scores.items()}
        if self.k is not None:
            recall = metrics.recall_at_k(truth, predicted, self.k, self.directed)
            found[f"recall_at_{self.k}"] = recall
        if logs is not None:
            logs.update({self.prefix + name: value for name, value in found.items()})
