import keras
import numpy as np
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset
from stgkeras.seasons import pieces


@keras.saving.register_keras_serializable("stgkeras")
class StandardScaler(StateLayer):
    """Standardises features, and takes predictions back to their units.

        y = (x - mean) / std        inverse: x = y · std + mean

    Mean and standard deviation, one of each a feature, are state that travels with the weights.
    Until `adapt` is called or weights are loaded, a call raises ValueError; where JAX traces it,
    the result is NaN.

    Args:
        num_features: int. Number of features F.

    Call arguments:
        x: (..., features) in original units, at most F features, the first ones. A missing
            reading, NaN, is taken to be the mean.
        inverse: bool. Whether `x` is standardised and to be taken back.

    Returns:
        The shape of `x`.

    Raises:
        ValueError: if `num_features` is below 1, or `x` has more features than that; if the scaler
            was never adapted.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> scaler = stgkeras.layers.StandardScaler(1)
        >>> scaler.adapt(np.array([[[1.0], [3.0]]]))
        >>> keras.ops.convert_to_numpy(scaler(np.array([[1.0], [2.0], [3.0]]))).ravel().tolist()
        [-1.0, 0.0, 1.0]
    """

    _what = "The scaler, its mean and deviation,"
    _remedy = "call `model.adapt(…)` with the training steps"

    def __init__(self, num_features, **kwargs):
        super().__init__(**kwargs)
        self.num_features = _checks.integer("num_features", num_features)
        self.mean = self.add_weight((num_features,), unset(), trainable=False, name="mean")
        self.std = self.add_weight((num_features,), unset(), trainable=False, name="std")
        self.built = True

    def _first_variable(self):
        return self.std

    def adapt(self, values):
        """Takes mean and standard deviation from training values (..., features), over all axes
        but the last, leaving out NaN; a feature that never changes keeps the deviation 1. A memory
        map is read in pieces."""
        values = np.asarray(values)
        if values.ndim < 2 or values.shape[-1] != self.num_features:
            raise ValueError(
                f"`values` must have axes (..., {self.num_features} features). "
                f"Received: values.shape={values.shape}"
            )
        axes, parts = tuple(range(values.ndim - 1)), pieces(values)
        infinite = sum(int(np.isinf(values[part]).sum()) for part in parts)
        count = sum((~np.isnan(values[part])).sum(axes) for part in parts)
        if infinite or not np.all(count):
            missing = values.size - int(np.sum(count))
            raise ValueError(
                "`values` must be finite, or NaN for a missing reading, and each feature must have "
                f"readings. Received: {missing + infinite} NaN or infinite entries"
            )
        mean = sum(np.nansum(values[part], axes, dtype="float64") for part in parts) / count
        squares = (np.square(values[part] - mean) for part in parts)
        std = np.sqrt(sum(np.nansum(part, axes) for part in squares) / count)
        self.mean.assign(mean)
        self.std.assign(np.where(std > 0, std, 1.0))

    def call(self, x, inverse=False):
        self._check(x.shape)
        features = x.shape[-1]
        mean, std = self.read(self.mean)[:features], self.read(self.std)[:features]
        return x * std + mean if inverse else (ops.where(ops.isnan(x), mean, x) - mean) / std

    def compute_output_spec(self, x, inverse=False):
        self._check(x.shape)
        return keras.KerasTensor(x.shape, self.compute_dtype)

    def _check(self, x_shape):
        if x_shape[-1] is None or x_shape[-1] > self.num_features:
            raise ValueError(
                f"`x` must have at most {self.num_features} features. "
                f"Received: x.shape={tuple(x_shape)}"
            )

    def get_config(self):
        return {**super().get_config(), "num_features": self.num_features}
