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
        # The losses beside the one of the data, times samples, and the samples: Keras's mean.
        self._others = self.add_variable((2,), "zeros", dtype="float32", name="others")

    def pool(self, entries, weights, others, samples):
        """Adds a batch.

        Args:
            entries: weighted losses of all entries, any shape.
            weights: of the same shape, what the sum of the entries is divided by, summed.
            others: float. Losses beside the one of the data, such as those of regularizers.
            samples: int, of the batch.
        """
        add_sum(self._sum, ops.cast(entries, "float32"))
        add_sum(self._weight, ops.cast(weights, "float32"))
        samples = ops.cast(samples, "float32")
        others = ops.cast(others, "float32") * samples
        self._others.assign(self._others + ops.stack([others, samples]))

    def reset_state(self):
        super().reset_state()
        for sums in (self._sum, self._weight, self._others):
            sums.assign(ops.zeros(2))

    def result(self):
        """NaN where there was no reading at all."""
        others, samples = self._others[0], self._others[1]
        pooled = self._sum[0] / self._weight[0] + others / ops.maximum(samples, 1.0)
        return ops.where(samples > 0, pooled, ops.cast(super().result(), "float32"))
