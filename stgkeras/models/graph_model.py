"""Base class of all models: graph, scaler, checks of inputs, and files for every backend."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

import keras
import numpy as np
import scipy.sparse
from keras import ops

from stgkeras import _processes
from stgkeras.arguments import refuse_unknown
from stgkeras.kernels import portable_forms
from stgkeras.layers._renamed import take_old_names
from stgkeras.layers._state import StateLayer
from stgkeras.models import family, preset_files, saved_form
from stgkeras.models.checked_methods import checked
from stgkeras.models.cloning import constructor
from stgkeras.models.model_inputs import adapt_scaler, refuse_other_names
from stgkeras.models.operator_check import check_operator
from stgkeras.models.pooled_loss import PooledLoss
from stgkeras.models.readings import Readings
from stgkeras.models.several_processes import gather_forecasts
from stgkeras.models.target_checks import TargetCheck
from stgkeras.types import Array, Tensor

StoredGraph: TypeAlias = np.ndarray | scipy.sparse.csr_array | None


class GraphModel(keras.Model):
    """Base class of all models: a functional model that stores a graph operator or takes a graph.

    Args:
        inputs, outputs: as in `keras.Model`.
        arguments: dict of the constructor arguments of the subclass, except those that set state,
            such as `graph`. They become attributes and the config of the model.
    """

    dynamic_graph = normalize = False
    num_edges = None
    takes_graph = True
    left_out: tuple[str, ...] = ()  # arguments of the family that the class does not take

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Extends the constructor by `dtype`, and the docstring by the arguments of the family."""
        super().__init_subclass__(**kwargs)
        if family.is_family(cls) or "__init__" not in vars(cls):
            return
        family.show_arguments(cls, cls.__bases__[0])
        setattr(cls, "__init__", constructor(cls.__init__, GraphModel))  # noqa: B010
        family.show_constructor(cls)

    def __init__(
        self, inputs: Tensor, outputs: Tensor, arguments: Mapping[str, Any], **kwargs: Any
    ) -> None:
        # Keras ignores some unknown names, and `dropuot=0.2` would train without a word.
        known = [*arguments, "name", "trainable", "dtype"]
        refuse_unknown(type(self).__name__, kwargs, known)
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        for name, value in arguments.items():
            setattr(self, name, value)
        self._argument_names = tuple(arguments)

    fit = checked("fit")
    evaluate = checked("evaluate")
    predict = checked("predict")
    train_on_batch = checked("train_on_batch")
    test_on_batch = checked("test_on_batch")
    predict_on_batch = checked("predict_on_batch")

    def make_predict_function(self, force: bool = False) -> Any:
        super().make_predict_function(force)
        gather_forecasts(self)
        return self.predict_function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            refuse_other_names(args[0], self.input)
        return super().__call__(*args, **kwargs)

    def readings(self, call: str = "predict") -> Readings:
        """Returns the checks of the data of one call.

        Args:
            call: str. Name of the method that uses the data, such as "fit".
        """
        takes_missing = self.normalize or getattr(self, "season", None) is not None
        loss = getattr(self, "loss", None)
        return Readings(self.input, takes_missing, loss, self.target_check(call))

    def check_compiled(self, given: Mapping[str, Any]) -> None:
        """Checks the arguments of `compile`."""

    def target_check(self, call: str) -> TargetCheck:
        """Returns the check of the targets in the method `call`. A family of models extends it."""
        return TargetCheck()

    def require_state(self) -> None:
        """Raises ValueError if the graph, the clusters, the scaler or the season was never set."""
        for layer in self._flatten_layers():
            if isinstance(layer, StateLayer):
                layer.require()

    @property
    def graph(self) -> StoredGraph | tuple[StoredGraph, ...]:
        """The graph operator, an (N, N) array or SciPy csr_array.

        None if the graph is an input, or if the model reads no graph.
        """
        if self.dynamic_graph or not self.takes_graph:
            return None
        return self.get_layer("static_graph").graph

    @graph.setter
    def graph(self, graph: Array) -> None:
        if not self.takes_graph:
            raise ValueError(
                f"`graph` must not be set, because {type(self).__name__} reads no graph. Received: "
                f"graph of type {type(graph).__name__}. Remove the assignment."
            )
        if self.dynamic_graph:
            raise ValueError(
                "`graph` must not be set in a model with a graph input. Received: dynamic_graph="
                f"{self.dynamic_graph!r}. Call the model with {{'x': …, 'graph': …}} instead."
            )
        check_operator(graph, vars(self))
        layer = self.get_layer("static_graph")
        layer.graph = graph
        self.num_edges = layer.num_edges

    def adapt(self, values: Array, calendar: Array | None = None) -> None:
        """Computes the mean and standard deviation, or the season, from training values.

        Args:
            values: array (..., num_features), in original units, NaN where a reading is missing.
                With a season, (T, num_nodes, num_features).
            calendar: None, or for a season, array (T, 2), `datasets.calendar` of the same steps.

        Raises:
            ValueError: if the model has neither `normalize=True` nor a season, or `calendar` does
                not fit the model.
        """
        adapt_scaler(self, values, calendar)

    @functools.wraps(keras.Model.compile)
    def compile(self, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(keras.Model.compile).bind(self, *args, **kwargs).arguments
        self.check_compiled(given)
        super().compile(*args, **kwargs)
        weights = keras.tree.flatten(given.get("loss_weights"))
        self._loss_weight = 1.0 if weights in ([], [None]) else float(weights[0])
        # With a plain assignment, Keras would list the tracker as a second metric.
        object.__setattr__(self, "_loss_tracker", PooledLoss())

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        total = super().compute_loss(x, y, y_pred, sample_weight, training)
        if training or any(getattr(type(self), name) is not own for name, own in OWN.items()):
            return total  # a subclass computes another loss
        losses, targets = keras.tree.flatten(self.loss), keras.tree.flatten(y)
        if len(losses) == len(targets) == 1 and hasattr(losses[0], "pooled"):
            forecast = keras.tree.flatten(y_pred)[0]
            sums = losses[0].pooled(targets[0], forecast, sample_weight)
            if sums is not None:
                others = sum(ops.sum(loss) for loss in self.losses)
                samples = ops.shape(forecast)[0]
                self._loss_tracker.pool(self._loss_weight * sums[0], sums[1], others, samples)
        return total

    @classmethod
    def from_preset(cls, preset: str | os.PathLike[str]) -> Self:
        """Opens a trained model (preset).

        Args:
            preset: str or path. A name from `stgkeras.models.presets()`, or a folder written by
                `save_to_preset`.

        Returns:
            The model, not compiled. Its inputs and forecasts are in original units.

        Raises:
            ValueError: if there is no such preset, it is a model of another class, or this version
                cannot open it.
        """
        return preset_files.load(preset, cls)

    def save_to_preset(self, folder: str | os.PathLike[str], metadata: Mapping[str, Any]) -> None:
        """Saves the model and its metadata in a folder that `from_preset` can open.

        Args:
            folder: str or path. A folder that does not exist yet.
            metadata: dict with the keys "data", "split", "scaler", "seed", "command" and "versions"
                (how to reproduce the model), and "metrics" (test metrics). Saved as JSON.
                `stgkeras.Forecaster.load` opens the preset if "data" is a dict with "sensors"
                (names), "features" ({name: unit}), "targets" (names of features), "interval"
                (minutes), "timezone", "null_value", "minimum" (of the targets; these three can be
                None) and "end" (time of the last reading).

        Raises:
            ValueError: if `folder` exists, `metadata` has other keys, or the graph, the scaler or
                other state of the model was never set.
        """
        self.require_state()
        preset_files.save(self, folder, metadata)

    def _purge_model_variables(self, **kwargs):
        # On JAX, Keras removes the values of the variables during `fit`. An error in the data would
        # lose these values, so they are kept here. JAX frees the donated memory anyway.
        pass

    @functools.wraps(keras.Model.export)
    def export(self, *args: Any, **kwargs: Any) -> Any:
        self.require_state()
        with portable_forms():
            return super().export(*args, **kwargs)

    @functools.wraps(keras.Model.save)
    def save(self, filepath: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        if str(filepath).endswith((".h5", ".hdf5")):
            saved_form.refuse_legacy_file(f"filepath={str(filepath)!r}")
        with _processes.alone():
            return super().save(filepath, *args, **kwargs)

    @functools.wraps(keras.Model.quantize)
    def quantize(self, *args: Any, **kwargs: Any) -> None:
        super().quantize(*args, **kwargs)
        if not self._quantized():
            warnings.warn(
                f"`quantize` changed nothing, because Keras cannot quantize any layer of this "
                f"{type(self).__name__}.",
                stacklevel=2,
            )

    def _quantized(self):
        return [one for one in self._flatten_layers() if getattr(one, "quantization_mode", None)]

    def load_own_variables(self, store: Any) -> None:
        take_old_names(self.layers, store)
        super().load_own_variables(store)

    def get_config(self) -> dict[str, Any]:
        # `keras.saving.save_model` does not call `save` of the model.
        if saved_form.is_for_legacy_file():
            saved_form.refuse_legacy_file("a file that ends in '.h5' or '.hdf5'")
        config = {name: getattr(self, name) for name in self._argument_names}
        config.update(name=self.name, trainable=self.trainable)
        config["dtype"] = keras.dtype_policies.serialize(self.dtype_policy)
        quantized = {layer.name: saved_form.quantization(layer) for layer in self._quantized()}
        return {**config, "quantized": quantized} if quantized else config

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        arguments = {name: value for name, value in config.items() if name != "quantized"}
        model = saved_form.created(cls, arguments)
        saved_form.quantize_layers(model, config.get("quantized", {}))
        return model

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # The backend that wrote a file saved its own optimizer class (PyTorch) and its own value of
        # `jit_compile="auto"`. Both can be wrong on the backend that opens the file.
        try:
            config = {**config, "jit_compile": "auto"}
            config["optimizer"] = saved_form.portable_optimizer(config.get("optimizer"))
            # `keras.Model` skips the next lines if a subclass overrides `compile`.
            self.compile(**keras.saving.deserialize_keras_object(config))
            if self.optimizer is not None:
                self.optimizer.build(self.trainable_variables)
        except Exception as error:  # Keras raises many kinds for a damaged file
            raise ValueError(
                "`compile` must be False to open this file, because its optimizer, loss or metrics "
                f"cannot be read. Received: {type(error).__name__}: {error}. Open it with "
                "`keras.models.load_model(path, compile=False)`, and call `compile`."
            ) from error

    def _run_through_graph(self, inputs, *args, **kwargs):
        # `keras.models.clone_model` calls this method, and then the constructor with only the
        # output tensors. The attribute `cloned_from` of the tensors is the original model.
        outputs = super()._run_through_graph(inputs, *args, **kwargs)
        for tensor in keras.tree.flatten(outputs):
            if isinstance(tensor, keras.KerasTensor):
                tensor.cloned_from = self
        return outputs


# A subclass that overrides these methods computes another loss in an evaluation.
OWN = {name: getattr(GraphModel, name) for name in ("compute_loss", "test_step")}
