"""Names and shapes of the inputs and of the output of an exported model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from stgkeras.kernels import portable_forms
from stgkeras.models.graph_classifier import GraphClassifier
from stgkeras.models.link_predictor import LinkPredictor
from stgkeras.types import Tensor

OUTPUTS = ((LinkPredictor, "links"), (GraphClassifier, "classes"))
MEANING = {
    "x": "readings (batch, time, nodes, features) in original units, the newest last",
    "calendar": "time of day in [0, 1) and day of the week from 0 (Monday) of the steps ahead",
    "past_calendar": "time of day in [0, 1) and day of the week from 0 (Monday) of the input steps",
    "past_covariates": "covariates of the input steps (batch, time, nodes, covariates)",
    "future_covariates": "covariates of the steps ahead (batch, horizon, nodes, covariates)",
    "graph": "non-negative adjacency; [n, m] is what node n receives from node m",
    "history": "history of each pair of nodes (batch, nodes, nodes, features)",
}


@dataclass(frozen=True)
class Signature:
    """The inputs and the output of a model outside Keras.

    Args:
        model: Keras model.
        inputs: dict of name → shape, in which the batch is None.
        output: str. Name of the output.
    """

    model: keras.Model
    inputs: Mapping[str, tuple[int | None, ...]]
    output: str

    @classmethod
    def of(cls, model: keras.Model) -> Signature:
        """Returns the signature of a model. An input without a name is "x"."""
        symbols = model.input if isinstance(model.input, dict) else {"x": model.input}
        output = next((name for kind, name in OUTPUTS if isinstance(model, kind)), "forecast")
        return cls(model, {name: tuple(x.shape) for name, x in symbols.items()}, output)

    def call(self, inputs: Mapping[str, Any]) -> Tensor:
        """Computes the output of the model, by the portable forms, for tensors of the backend."""
        x = dict(inputs) if isinstance(self.model.input, dict) else inputs["x"]
        with portable_forms():
            return self.model(x, training=False)

    def positional(self) -> Callable[..., Tensor]:
        """Returns `call` as a function of the inputs in their order."""
        return lambda *tensors: self.call(dict(zip(self.inputs, tensors, strict=True)))

    def description(self) -> dict[str, Any]:
        """Returns the inputs and the output in words, for a JSON file."""
        shapes = {name: ["batch", *shape[1:]] for name, shape in self.inputs.items()}
        return {
            "model": type(self.model).__name__,
            "inputs": {
                name: {
                    "shape": shape,
                    "dtype": "float32",
                    "meaning": MEANING.get(name, MEANING["x"]),
                }
                for name, shape in shapes.items()
            },
            "outputs": {self.output: {"shape": ["batch", *self.model.output_shape[1:]]}},
        }
