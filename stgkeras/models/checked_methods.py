"""The methods of `keras.Model` that use data, with checks of the model and of the data."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from stgkeras.layers import StaticGraph
from stgkeras.models.several_processes import check_shared, without_filled


def checked(name: str) -> Callable[..., Any]:
    """Returns the method of `keras.Model` with checks of the state of the model and of the data."""
    signature = inspect.signature(getattr(keras.Model, name))

    @functools.wraps(getattr(keras.Model, name))
    def method(self, *args, **kwargs):
        self.require_state()
        owner = next(cls for cls in type(self).__mro__ if vars(cls).get(name) is method)
        base = getattr(super(owner, self), name)
        if "_use_cached_eval_dataset" in kwargs:  # `fit` has already checked these data
            return base(*args, **kwargs)
        bound = signature.bind(self, *args, **kwargs)
        given = bound.arguments
        windows = given.get("x")
        check_shared(name, windows, given.get("validation_data"))
        readings = self.readings(name)
        x, y = readings.checked(given.get("x"), given.get("y"))
        given.update({"x": x, "y": y} if "y" in signature.parameters else {"x": x})
        data = given.get("validation_data")
        if isinstance(data, (tuple, list)):
            given["validation_data"] = (*readings.checked(*data[:2]), *data[2:])
        elif data is not None:
            given["validation_data"], _ = readings.checked(data)
        if name in ("fit", "train_on_batch"):
            build_optimizer(self)
        graphs = [
            layer for layer in self.layers if name == "fit" and isinstance(layer, StaticGraph)
        ]
        try:
            for layer in graphs:
                layer.is_in_use = True
            result = base(*bound.args[1:], **bound.kwargs)
        except Exception:
            if keras.backend.backend() == "jax":
                self.jax_state_sync()  # writes the trained weights back to the variables
            if readings.error is not None:
                raise readings.error from None
            raise
        finally:
            for layer in graphs:
                layer.is_in_use = False
        readings.warn(stacklevel=2)
        return without_filled(result, windows) if name == "predict" else result

    return method


def build_optimizer(model: keras.Model) -> None:
    """Creates the variables of the optimizer on TensorFlow, before a training step is traced."""
    # If the first trace creates variables, TensorFlow traces the step twice, which doubles the time
    # to the first step. With a distribution strategy, Keras creates the variables.
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or optimizer.built or keras.backend.backend() != "tensorflow":
        return
    steps_as_keras = type(model).train_step is keras.Model.train_step
    if steps_as_keras and model._distribute_strategy is None and model.trainable_variables:
        optimizer.build(model.trainable_variables)
