"""What the models share: their graph, their scaler, checks of what goes in, and a saved form that
every backend opens."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import keras
from keras import ops

from stgkeras.kernels import portable_forms
from stgkeras.layers import StaticGraph
from stgkeras.layers._renamed import take_old_names
from stgkeras.layers._state import StateLayer
from stgkeras.models import family, preset_files, saved_form
from stgkeras.models.cloning import constructor
from stgkeras.models.pooled_loss import PooledLoss
from stgkeras.models.readings import Readings


def _checked(name):
    """The method of `keras.Model`, which first looks at the model's state and at the data."""
    signature = inspect.signature(getattr(keras.Model, name))

    @functools.wraps(getattr(keras.Model, name))
    def method(self, *args, **kwargs):
        self.require_state()
        base = getattr(super(GraphModel, self), name)
        if "_use_cached_eval_dataset" in kwargs:  # `fit` evaluates data that it has checked
            return base(*args, **kwargs)
        bound = signature.bind(self, *args, **kwargs)
        given = bound.arguments
        readings = self.readings()
        x, y = readings.checked(given.get("x"), given.get("y"))
        given.update({"x": x, "y": y} if "y" in signature.parameters else {"x": x})
        data = given.get("validation_data")
        if isinstance(data, (tuple, list)):
            given["validation_data"] = (*readings.checked(*data[:2]), *data[2:])
        elif data is not None:
            given["validation_data"], _ = readings.checked(data)
        graphs = [
            layer for layer in self.layers if name == "fit" and isinstance(layer, StaticGraph)
        ]
        try:
            for layer in graphs:
                layer.is_in_use = True
            result = base(*bound.args[1:], **bound.kwargs)
        except Exception:
            if keras.backend.backend() == "jax":
                self.jax_state_sync()
            if readings.error is not None:
                raise readings.error from None
            raise
        finally:
            for layer in graphs:
                layer.is_in_use = False
        readings.warn(stacklevel=2)
        return result

    return method


class GraphModel(keras.Model):
    """A functional model that owns a graph operator, or takes a graph as input.

    Args:
        inputs, outputs: as in `keras.Model`.
        arguments: dict of the subclass's constructor arguments, without those that are state
            (`graph`). They become attributes and the config.
    """

    dynamic_graph = normalize = False
    num_edges = None

    def __init_subclass__(cls, is_family: bool = False, **kwargs: Any) -> None:
        """Makes the constructor also accept `dtype`, and shows all arguments in `help`.

        Args:
            is_family: whether the class is the base of a family of models, see `family`.
        """
        super().__init_subclass__(**kwargs)
        cls._is_family = is_family
        if is_family or "__init__" not in vars(cls):
            return
        base = cls.__bases__[0]
        if vars(base).get("_is_family", False):
            family.merge(cls, base)
        else:
            own = inspect.signature(cls.__init__)
            parameters = list(own.parameters.values())[1:]
            cls.__signature__ = own.replace(parameters=parameters)
        setattr(cls, "__init__", constructor(cls.__init__, GraphModel))  # noqa: B010

    def __init__(self, inputs, outputs, arguments, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        for name, value in arguments.items():
            setattr(self, name, value)
        self._argument_names = tuple(arguments)

    fit = _checked("fit")
    evaluate = _checked("evaluate")
    predict = _checked("predict")
    train_on_batch = _checked("train_on_batch")
    test_on_batch = _checked("test_on_batch")
    predict_on_batch = _checked("predict_on_batch")

    def readings(self):
        """The checks of data for this model, of one call."""
        names = [tensor.name for tensor in keras.tree.flatten(self.input)]
        takes_missing = self.normalize or getattr(self, "season", None) is not None
        return Readings(names, takes_missing, getattr(self, "loss", None))

    def require_state(self):
        """Raises ValueError if the graph, the clusters, the scaler or the season was never set."""
        for layer in self._flatten_layers():
            if isinstance(layer, StateLayer):
                layer.require()

    @property
    def graph(self):
        """The operator that the model multiplies by, an (N, N) array or scipy csr_array; None for
        a model that takes its graph as input. Another one may have more entries."""
        return None if self.dynamic_graph else self.get_layer("static_graph").graph

    @graph.setter
    def graph(self, graph):
        if self.dynamic_graph:
            raise ValueError(
                f"`graph` cannot be set with dynamic_graph={self.dynamic_graph!r}: the model takes "
                "its graph as input."
            )
        layer = self.get_layer("static_graph")
        layer.graph = graph
        self.num_edges = layer.num_edges

    def adapt(self, values, calendar=None):
        """Fits the scaler of a model with `normalize=True` or a season.

        Args:
            values: (..., num_features), the readings of the training steps in original units; NaN
                where missing. With a season (T, num_nodes, num_features).
            calendar: (T, 2), `datasets.calendar` of these steps; for a season alone.
        """
        season = getattr(self, "season", None)
        if season is None and not self.normalize:
            raise ValueError(
                "`adapt` needs a model with normalize=True or a season. Received: normalize=False"
            )
        if (season is None) != (calendar is None):
            raise ValueError(
                f"`calendar` must be given to a model with a season, and to no other. "
                f"Received: season={season}, calendar of type {type(calendar).__name__}"
            )
        if calendar is None:
            self.get_layer("scaler").adapt(values)
        else:
            self.get_layer("scaler").adapt(values, calendar)
            self.get_layer("level").adapt(values)

    @functools.wraps(keras.Model.compile)
    def compile(self, *args, **kwargs):
        super().compile(*args, **kwargs)
        given = inspect.signature(keras.Model.compile).bind(self, *args, **kwargs).arguments
        weights = keras.tree.flatten(given.get("loss_weights"))
        self._loss_weight = 1.0 if weights in ([], [None]) else float(weights[0])
        # Past Keras's tracking, which would list it a second time among the metrics.
        object.__setattr__(self, "_loss_tracker", PooledLoss())

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        total = super().compute_loss(x, y, y_pred, sample_weight, training)
        if training or any(getattr(type(self), name) is not own for name, own in OWN.items()):
            return total  # a subclass says itself what its loss is
        losses, targets = keras.tree.flatten(self.loss), keras.tree.flatten(y)
        if len(losses) == len(targets) == 1 and hasattr(losses[0], "pooled"):
            forecast = keras.tree.flatten(y_pred)[0]
            sums = losses[0].pooled(targets[0], forecast, sample_weight)
            if sums is not None:
                entries, weights = sums
                others = sum(ops.sum(loss) for loss in self.losses)
                samples = ops.shape(forecast)[0]
                self._loss_tracker.pool(self._loss_weight * entries, weights, others, samples)
        return total

    @classmethod
    def from_preset(cls, preset):
        """Opens a trained model.

        Args:
            preset: str or path. A name among `stgkeras.models.presets()`, or the folder of a model
                saved by `save_to_preset`.

        Returns:
            The model, not compiled. It takes and gives original units.

        Raises:
            ValueError: if there is no such preset, it holds another kind of model, or it is damaged
                or of a version that this one does not open.
        """
        model = preset_files.load(preset)
        if not isinstance(model, cls):
            raise ValueError(
                f"`preset` must hold a {cls.__name__}. Received: preset={str(preset)!r}, a "
                f"{type(model).__name__}; open it by {type(model).__name__}.from_preset."
            )
        return model

    def save_to_preset(self, folder, metadata):
        """Saves the model, and where it comes from, as a folder that `from_preset` opens.

        Args:
            folder: path that does not exist yet.
            metadata: dict of data, split, scaler, seed, command, versions and metrics: what it
                takes to reproduce the model, and its figures on test data. Kept as JSON.

        Raises:
            ValueError: if `folder` exists, `metadata` has other keys, or state of the model was
                never set.
        """
        self.require_state()
        preset_files.save(self, folder, metadata)

    def _purge_model_variables(self, **kwargs):
        """On JAX, Keras takes the values out of the variables while it works with them, and does
        not put them back where data raise an error. They stay here; memory that was handed on is
        free all the same."""

    @functools.wraps(keras.Model.export)
    def export(self, *args, **kwargs):
        self.require_state()
        with portable_forms():
            return super().export(*args, **kwargs)

    @functools.wraps(keras.Model.save)
    def save(self, filepath, *args, **kwargs):
        if str(filepath).endswith((".h5", ".hdf5")):
            saved_form.refuse_legacy_file(f"filepath={str(filepath)!r}")
        return super().save(filepath, *args, **kwargs)

    @functools.wraps(keras.Model.quantize)
    def quantize(self, *args, **kwargs):
        super().quantize(*args, **kwargs)
        if not self._quantized():
            warnings.warn(
                f"`quantize` changed nothing: no layer of this {type(self).__name__} has a "
                "quantized form that Keras knows.",
                stacklevel=2,
            )

    def _quantized(self):
        layers = self._flatten_layers()
        return [layer for layer in layers if getattr(layer, "quantization_mode", None)]

    def load_own_variables(self, store):
        take_old_names(self.layers, store)
        super().load_own_variables(store)

    def get_config(self):
        if (
            saved_form.is_for_legacy_file()
        ):  # by `keras.saving.save_model`, which does not ask the model
            saved_form.refuse_legacy_file("a file that ends in '.h5' or '.hdf5'")
        config = {name: getattr(self, name) for name in self._argument_names}
        config.update(name=self.name, trainable=self.trainable)
        config["dtype"] = keras.dtype_policies.serialize(self.dtype_policy)
        quantized = {layer.name: saved_form.quantization(layer) for layer in self._quantized()}
        return {**config, "quantized": quantized} if quantized else config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = cls(**{name: value for name, value in config.items() if name != "quantized"})
        saved_form.quantize_layers(model, config.get("quantized", {}))
        return model

    def compile_from_config(self, config):
        # A file tells which backend wrote it: torch saves an optimizer class of its own, and what
        # `jit_compile="auto"` came to. Neither is meant for the backend that reads.
        config = {**config, "jit_compile": "auto"}
        config["optimizer"] = saved_form.portable_optimizer(config.get("optimizer"))
        # As Keras does, which refuses to where `compile` is overridden.
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def _run_through_graph(self, inputs, *args, **kwargs):
        # `keras.models.clone_model` runs its clones of the layers, and then calls the constructor
        # with the tensors alone: these tell it whose clone it makes.
        outputs = super()._run_through_graph(inputs, *args, **kwargs)
        for tensor in keras.tree.flatten(outputs):
            if isinstance(tensor, keras.KerasTensor):
                tensor.cloned_from = self
        return outputs


# The methods that make the loss of an evaluation, as they are here.
OWN = {name: getattr(GraphModel, name) for name in ("compute_loss", "test_step")}
