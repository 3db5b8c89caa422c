import keras
from keras import ops


@keras.saving.register_keras_serializable("stgkeras")
class ComponentFusion(keras.layers.Layer):
    """Adds up the forecasts of several components with a weight for each step and node.

        y = Σ_c W_c ⊙ y_c

    Call arguments:
        forecasts: list of C tensors (batch, horizon, nodes, outputs).

    Returns:
        (batch, horizon, nodes, outputs).

    Raises:
        ValueError: if the forecasts differ in shape.

    Example:
        >>> import numpy as np, stgkeras
        >>> forecasts = [np.ones((2, 12, 5, 1), "float32")] * 3
        >>> tuple(stgkeras.layers.ComponentFusion()(forecasts).shape)
        (2, 12, 5, 1)

    Source:
        Guo et al., 2019, AAAI 33, eq. 12. Departs from the paper: the weights start at 1 / C, the
        mean of the components.
    """

    def build(self, forecasts_shape):
        if len({tuple(shape[1:]) for shape in forecasts_shape}) != 1:
            raise ValueError(
                "`forecasts` must have one shape (batch, horizon, nodes, outputs). "
                f"Received: {[tuple(shape) for shape in forecasts_shape]}"
            )
        components = len(forecasts_shape)
        _, horizon, nodes, _ = forecasts_shape[0]
        self.kernel = self.add_weight(
            (components, horizon, nodes, 1),
            keras.initializers.Constant(1.0 / components),
            name="kernel",
        )

    def call(self, forecasts):
        return ops.sum(self.kernel[:, None] * ops.stack(forecasts), axis=0)

    def compute_output_shape(self, forecasts_shape):
        return tuple(forecasts_shape[0])
