"""The loss of a whole data set: the mean over all readings, not the mean of batch means."""

from __future__ import annotations

import keras
from keras import ops

from stgkeras.missing import add_sum
from stgkeras.types import Tensor


class PooledLoss(keras.metrics.Mean):
    """Metric that `evaluate` and `fit` report as "loss" and "val_loss".

    In evaluation, a loss that ignores missing readings is summed over all readings of the data set,
    and the sum is divided once. The result does not depend on the batch size. In training, and for
    other losses, the result is the same as in Keras: the mean of the batch losses, weighted by the
    numbers of samples.
    """

    def __init__(self, name: str = "loss") -> None:
        super().__init__(name=name)
        # Pairs of float32: a sum and its rounding error.
        self._sum = self.add_variable((2,), "zeros", dtype="float32", name="sum")
        self._weight = self.add_variable((2,), "zeros", dtype="float32", name="weight")
        # Sum over batches of the other losses times the number of samples; number of samples.
        self._others = self.add_variable((2,), "zeros", dtype="float32", name="others")

    def pool(
        self, entries: Tensor, weights: Tensor, others: Tensor | float, samples: Tensor | int
    ) -> None:
        """Adds a batch.

        Args:
            entries: weighted losses of all entries, of any shape.
            weights: weights of the entries, of the same shape. Their sum is the divisor.
            others: float. Sum of the other losses of the model, such as those of regularizers.
            samples: int. Number of samples of the batch.
        """
        add_sum(self._sum, ops.cast(entries, "float32"))
        add_sum(self._weight, ops.cast(weights, "float32"))
        samples = ops.cast(samples, "float32")
        others = ops.cast(others, "float32") * samples
        self._others.assign(self._others + ops.stack([others, samples]))

    def reset_state(self) -> None:
        super().reset_state()
        for sums in (self._sum, self._weight, self._others):
            sums.assign(ops.zeros(2))

    def result(self) -> Tensor:
        """Returns the loss, NaN if there was no reading."""
        others, samples = self._others[0], self._others[1]
        pooled = self._sum[0] / self._weight[0] + others / ops.maximum(samples, 1.0)
        return ops.where(samples > 0, pooled, ops.cast(super().result(), "float32"))
