from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class ComponentFusion(keras.layers.Layer):
    """Weighted sum of the forecasts of several components, for example recent, daily and weekly.

        y = Σ_c W_c ⊙ y_c

    y_c is the forecast of component c. W_c is a trainable weight for each predicted step and node,
    (horizon, nodes, 1), and ⊙ is the elementwise product.

    Call arguments:
        forecasts: list of C tensors (batch, horizon, nodes, outputs).

    Returns:
        Tensor (batch, horizon, nodes, outputs).

    Raises:
        ValueError: if the forecasts differ in shape.

    Example:
        >>> import numpy as np, stgkeras
        >>> forecasts = [np.ones((2, 12, 5, 1), "float32")] * 3
        >>> tuple(stgkeras.layers.ComponentFusion()(forecasts).shape)
        (2, 12, 5, 1)

    Source:
        Guo et al., 2019, AAAI 33, eq. 12. Departs from the paper: the weights start at 1 / C, so
        that y is at first the mean of the components.
    """

    def build(self, forecasts_shape: Sequence[tuple]) -> None:
        if len({tuple(shape[1:]) for shape in forecasts_shape}) != 1:
            raise ValueError(
                "`forecasts` must all have the same shape (batch, horizon, nodes, outputs). "
                f"Received: shapes {[tuple(shape) for shape in forecasts_shape]}"
            )
        components = len(forecasts_shape)
        _, horizon, nodes, _ = forecasts_shape[0]
        self.kernel = self.add_weight(
            (components, horizon, nodes, 1),
            keras.initializers.Constant(1.0 / components),
            name="kernel",
        )

    def call(self, forecasts: Sequence[Tensor]) -> Tensor:
        return ops.sum(self.kernel[:, None] * ops.stack(forecasts), axis=0)

    def compute_output_shape(self, forecasts_shape: Sequence[tuple]) -> tuple:
        return tuple(forecasts_shape[0])
