from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset
from stgkeras.seasons import pieces
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class StandardScaler(StateLayer):
    """Standardisation of features, and its inverse for forecasts.

        y = (x - mean) / std
        with inverse=True: y = x · std + mean

    mean and std are the mean and the standard deviation of each feature in the training values.
    `adapt` computes both numbers, and the layer saves both with the weights. Before `adapt` is
    called or weights are loaded, a call raises ValueError, or returns NaN while JAX traces the
    call.

    Args:
        num_features: int. Number of features F.
        targets: None, or a sequence of ints: the features that the inverse returns, counted from 0.
            None means the first ones. Default None.

    Call arguments:
        x: tensor (..., features) in original units. It may hold only the first of the F features.
            NaN is a missing reading; the mean replaces it. With inverse=True, the features are
            `targets`.
        inverse: bool. Whether to apply the inverse, from standardised values to original units.
            Default False.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: if `num_features` is below 1, `x` has more features than `num_features`, or the
            mean and the standard deviation were never computed.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> scaler = stgkeras.layers.StandardScaler(1)
        >>> scaler.adapt(np.array([[[1.0], [3.0]]]))
        >>> keras.ops.convert_to_numpy(scaler(np.array([[1.0], [2.0], [3.0]]))).ravel().tolist()
        [-1.0, 0.0, 1.0]
    """

    _what = "The mean and standard deviation of the scaler"
    _remedy = "Call `model.adapt(…)` with the training steps"

    def __init__(
        self, num_features: int, targets: Sequence[int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_features = _checks.integer("num_features", num_features)
        self.targets = _checks.targets(targets, self.num_features)
        self.mean = self.add_weight((self.num_features,), unset(), trainable=False, name="mean")
        self.std = self.add_weight((self.num_features,), unset(), trainable=False, name="std")
        self.built = True

    def _first_variable(self):
        return self.std

    def adapt(self, values: Array) -> None:
        """Computes the mean and the standard deviation of each feature from training values.

        The standard deviation of a constant feature is set to 1.

        Args:
            values: array (..., features), in original units. NaN is a missing reading and is
                ignored. A memory map is read in pieces.

        Raises:
            ValueError: if `values` has other axes or infinite numbers, or a feature has no reading.
        """
        values = np.asarray(values)
        if values.ndim < 2 or values.shape[-1] != self.num_features:
            raise ValueError(
                f"`values` must have axes (..., {self.num_features} features). "
                f"Received: values.shape={values.shape}. Pass readings with these features."
            )
        axes, parts = tuple(range(values.ndim - 1)), pieces(values)
        infinite = sum(int(np.isinf(values[part]).sum()) for part in parts)
        count = sum((~np.isnan(values[part])).sum(axes) for part in parts)
        if infinite or not np.all(count):
            missing = values.size - int(np.sum(count))
            raise ValueError(
                "`values` must be finite, or NaN for a missing reading, and each feature must have "
                f"readings. Received: {missing + infinite} NaN or infinite entries. "
                "Set invalid readings to NaN, and leave out features that have no readings."
            )
        mean = sum(np.nansum(values[part], axes, dtype="float64") for part in parts) / count
        squares = (np.square(values[part] - mean) for part in parts)
        std = np.sqrt(sum(np.nansum(part, axes) for part in squares) / count)
        self.mean.assign(mean)
        self.std.assign(np.where(std > 0, std, 1.0))

    def call(self, x: Tensor, inverse: bool = False) -> Tensor:
        self._check(x.shape, inverse)
        mean, std = self.read(self.mean), self.read(self.std)
        if inverse and self.targets is not None:
            mean, std = (ops.take(part, self.targets, axis=-1) for part in (mean, std))
        features = x.shape[-1]
        mean, std = mean[:features], std[:features]
        return x * std + mean if inverse else (ops.where(ops.isnan(x), mean, x) - mean) / std

    def scale_of(self, feature: int) -> tuple[float, float]:
        """Returns the mean and the standard deviation of a feature."""
        mean, std = (ops.convert_to_numpy(weight) for weight in (self.mean, self.std))
        return float(mean[feature]), float(std[feature])

    def compute_output_spec(self, x: Tensor, inverse: bool = False) -> keras.KerasTensor:
        self._check(x.shape, inverse)
        return keras.KerasTensor(x.shape, self.compute_dtype)

    def _check(self, x_shape, inverse):
        if inverse and self.targets is not None and x_shape[-1] != len(self.targets):
            raise ValueError(
                f"`x` must have the features targets={self.targets} with inverse=True. "
                f"Received: x.shape={tuple(x_shape)}. Create the scaler with the `targets` of `x`."
            )
        if x_shape[-1] is None or x_shape[-1] > self.num_features:
            raise ValueError(
                f"`x` must have at most {self.num_features} features. "
                f"Received: x.shape={tuple(x_shape)}. "
                "Create the scaler with the number of features of `x`."
            )

    def get_config(self) -> dict[str, Any]:
        config = {"num_features": self.num_features, "targets": self.targets}
        return {**super().get_config(), **config}
