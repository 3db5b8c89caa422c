"""The size of the gradients, as an optimizer sees it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("stgkeras.callbacks")
class GradientNorm(keras.optimizers.Optimizer):
    """Optimizer that notes how large the gradients are, and leaves the work to another.

    No callback sees gradients, and on JAX nothing of a step outlives it but variables, such as the
    optimizer's; so the norm is one here. `TensorBoard` writes its mean over the steps of an epoch.
    It is the global norm, over all weights, before `inner_optimizer` clips. The training is that
    of `inner_optimizer` alone, whose state is saved along.

    Args:
        inner_optimizer: `keras.optimizers.Optimizer` that does the steps. Set its own arguments
            there; `learning_rate` and `iterations` are passed on.
        name: string.

    Raises:
        ValueError: if `inner_optimizer` is no optimizer.

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

    def __init__(self, inner_optimizer, name=None):
        if not isinstance(inner_optimizer, keras.optimizers.Optimizer):
            raise ValueError(
                "`inner_optimizer` must be an optimizer, such as keras.optimizers.Adam(1e-3). "
                f"Received: inner_optimizer={inner_optimizer!r}"
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self._norms = self.add_variable((2,), name="norms")  # sum and number

    def mean_norm(self):
        """Mean norm over the steps since `reset_norm`, a float; NaN if there were none."""
        total, number = ops.convert_to_numpy(self._norms).tolist()
        return total / number if number else float("nan")

    def reset_norm(self):
        """Starts a new mean."""
        self._norms.assign(ops.zeros(2))

    def build(self, variables):
        self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(self, grads, trainable_variables=None):
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
    def variables(self):
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    def scale_loss(self, loss):
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"inner_optimizer": inner, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        inner = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(inner, config["name"])
