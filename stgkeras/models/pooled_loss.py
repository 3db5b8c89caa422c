"""The loss of a whole data set: over all its readings, not the mean of its batches' means."""

import keras
from keras import ops

from stgkeras.missing import add_sum


class PooledLoss(keras.metrics.Mean):
    """What `evaluate` and `fit` report as "loss" and "val_loss".

    In evaluation, a loss that leaves out missing readings is summed over all readings and divided
    once, whatever the batches. In training, and for other losses, it is the mean that Keras takes:
    of the batches' losses, weighted by their numbers of samples.
    """

    def __init__(self, name="loss"):
        super().__init__(name=name)
        # Pairs of float32: a sum, and what rounding left out of it.
        self._sum = self.add_variable((2,), "zeros", dtype="float32", name="sum")
        self._weight = self.add_variable((2,), "zeros", dtype="float32", name="weight")
        # The losses beside the one of the data, and 1 once a batch was added.
        self._others = self.add_variable((2,), "zeros", dtype="float32", name="others")

    def pool(self, entries, weights, others=0.0):
        """Adds a batch.

        Args:
            entries: weighted losses of all entries, any shape.
            weights: of the same shape, what the sum of the entries is divided by, summed.
            others: float. Losses beside the one of the data, such as those of regularizers.
        """
        add_sum(self._sum, ops.cast(entries, "float32"))
        add_sum(self._weight, ops.cast(weights, "float32"))
        self._others.assign(ops.stack([ops.cast(others, "float32"), 1.0]))

    def reset_state(self):
        super().reset_state()
        for sums in (self._sum, self._weight, self._others):
            sums.assign(ops.zeros(2))

    def result(self):
        """NaN where there was no reading at all."""
        pooled = self._sum[0] / self._weight[0] + self._others[0]
        return ops.where(self._others[1] > 0, pooled, ops.cast(super().result(), "float32"))
