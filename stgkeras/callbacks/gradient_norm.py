"""The norm of the gradients, measured by an optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras.callbacks")
class GradientNorm(keras.optimizers.Optimizer):
    """Optimizer that measures the gradient norm and lets another optimizer update the weights.

    The norm is the global norm over all weights, before `inner_optimizer` clips the gradients.
    `callbacks.TensorBoard` logs the mean norm of each epoch. Training gives the same weights as
    with `inner_optimizer` alone, and a saved model holds the state of `inner_optimizer`.

    Keras passes no gradients to callbacks. On JAX, only variables keep their values after a
    training step. The norm is therefore a variable of this optimizer.

    Args:
        inner_optimizer: `keras.optimizers.Optimizer` that updates the weights. Set its arguments,
            such as `clipnorm`, in this object. The attributes `learning_rate` and `iterations` of
            `GradientNorm` are those of `inner_optimizer`.
        name: str or None. Name of the optimizer.

    Raises:
        ValueError: if `inner_optimizer` is not a Keras optimizer.

    Example:
        >>> import keras, numpy as np
        >>> from stgkeras.callbacks import GradientNorm
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "linear", False)])
        >>> model.set_weights([np.array([[1.0]])])
        >>> model.compile(GradientNorm(keras.optimizers.SGD(0.1)), "mse")
        >>> history = model.fit(np.ones((4, 1)), np.zeros((4, 1)), verbose=0)
        >>> round(model.optimizer.mean_norm(), 4)
        2.0
    """

    def __init__(
        self, inner_optimizer: keras.optimizers.Optimizer, name: str | None = None
    ) -> None:
        if not isinstance(inner_optimizer, keras.optimizers.Optimizer):
            raise ValueError(
                "`inner_optimizer` must be a Keras optimizer. Received: "
                f"inner_optimizer={inner_optimizer!r}. Pass an object such as "
                "keras.optimizers.Adam(1e-3)."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self._norms = self.add_variable((2,), name="norms")  # sum and count

    def mean_norm(self) -> float:
        """Returns the mean norm over the steps since `reset_norm`. NaN if there was no step."""
        total, number = ops.convert_to_numpy(self._norms).tolist()
        return total / number if number else float("nan")

    def reset_norm(self) -> None:
        """Starts a new mean. The next call of `mean_norm` leaves out earlier steps."""
        self._norms.assign(ops.zeros(2))

    def build(self, variables: Sequence[keras.Variable]) -> None:
        self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(self, grads: Sequence[Tensor], trainable_variables: Any = None) -> None:
        if not self.built:
            self.build(trainable_variables)
        squares = [
            ops.sum(ops.square(ops.cast(ops.convert_to_tensor(grad), "float32")))
            for grad in grads
            if grad is not None
        ]
        scale = self.inner_optimizer.loss_scale_factor or 1.0
        norm = ops.sqrt(sum(squares)) / scale
        self._norms.assign(self._norms + ops.stack([norm, ops.ones_like(norm)]))
        self.inner_optimizer.apply(grads, trainable_variables)

    @property
    def variables(self) -> list[keras.Variable]:
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self) -> keras.Variable:
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def scale_loss(self, loss: Tensor) -> Tensor:
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: Sequence[keras.Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"inner_optimizer": inner, "name": self.name}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> GradientNorm:
        inner = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(inner, config["name"])
