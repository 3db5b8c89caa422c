import keras
from keras import initializers, ops

from stgkeras.layers import _checks
from stgkeras.layers._renamed import Renamed


@keras.saving.register_keras_serializable("stgkeras")
class TemporalDense(Renamed, keras.layers.Layer):
    """A linear map of all steps and features of a node, shared by the nodes.

        y[n] = Σ_t Σ_f x[t, n, f] W[t, f] + b

    The products are formed for each step and then added, so that no copy is made in which the steps
    and features of a node lie side by side.

    Args:
        units: int. Number of outputs of a node.
        kernel_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: (batch, time, nodes, features).

    Returns:
        (batch, nodes, units).

    Raises:
        ValueError: if `units` is below 1, or an axis of `x` other than the batch is unknown.
    """

    name_in_old_files = "Dense"

    def __init__(self, units, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, x_shape):
        _checks.known_axes(x_shape)
        _, steps, _, features = x_shape
        self.kernel = self.add_weight(
            (steps * features, self.units), self.kernel_initializer, name="kernel"
        )
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def call(self, x):
        kernel = ops.reshape(self.kernel, (x.shape[1], x.shape[3], self.units))
        return ops.add(ops.sum(ops.matmul(x, kernel), axis=1), self.bias)

    def compute_output_shape(self, x_shape):
        return (x_shape[0], x_shape[2], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
