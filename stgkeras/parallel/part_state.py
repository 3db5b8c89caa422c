"""Variables of a model with an axis of nodes, and the state of the optimizer for them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from stgkeras.models.forecaster import Forecaster
from stgkeras.parallel.node_layout import node_variables


class Rows:
    """Values of all nodes in the main memory, for a variable with the values of one part.

    Args:
        variable: variable of the model of a part, or of its optimizer.
        axis: int. Its axis of nodes.
        array: the values of all nodes.
        is_trained: bool. Whether training changes the values.
    """

    def __init__(self, variable: Any, axis: int, array: np.ndarray, is_trained: bool) -> None:
        self.variable, self.axis, self.array, self.is_trained = variable, axis, array, is_trained

    def load(self, nodes: np.ndarray) -> None:
        """Writes the values of some nodes into the variable."""
        self.variable.assign(np.take(self.array, nodes, axis=self.axis))

    def store(self, inner: np.ndarray) -> None:
        """Reads the values of the first nodes of the variable, which are `inner`."""
        if self.is_trained:
            first: tuple[Any, ...] = (slice(None),) * self.axis
            found = keras.ops.convert_to_numpy(self.variable.value)
            self.array[*first, inner] = found[*first, slice(len(inner))]


class PartState:
    """The variables of a whole model and of the model of a part.

    Args:
        whole, part: models that differ in the number of nodes and the graph.
    """

    def __init__(self, whole: Forecaster, part: Forecaster) -> None:
        self._rows: list[tuple[Any, Any, int]] = []
        self._shared: list[tuple[Any, Any]] = []
        for one, other in zip(whole.layers, part.layers, strict=True):
            axes = node_variables(one)
            if one.name == "static_graph":
                continue
            for variable, of_part in zip(one.variables, other.variables, strict=True):
                if variable.path in axes:
                    self._rows.append((variable, of_part, axes[variable.path].index("N")))
                else:
                    self._shared.append((variable, of_part))
        self.rows: list[Rows] = []
        self.slots: list[Rows] = []

    def read(self, writable: bool) -> None:
        """Reads the values of the whole model. Arrays that can be written are not copied."""
        for variable, of_part in self._shared:
            of_part.assign(np.array(keras.ops.convert_to_numpy(variable.value)))
        self.rows = []
        for variable, of_part, axis in self._rows:
            array, is_trained = keras.ops.convert_to_numpy(variable.value), variable.trainable
            if writable and is_trained and not array.flags.writeable:
                array = np.array(array)
            self.rows.append(Rows(of_part, axis, array, is_trained))

    def write(self) -> None:
        """Writes the trained values into the whole model."""
        for variable, of_part in self._shared:
            variable.assign(np.array(keras.ops.convert_to_numpy(of_part.value)))
        for (variable, _, _), rows in zip(self._rows, self.rows, strict=True):
            if rows.is_trained:
                variable.assign(rows.array)
        self.rows = []

    def take_slots(self, optimizer: Any) -> None:
        """Creates the state of the optimizer for all nodes, from that of a part.

        Raises:
            ValueError: if the shape of a state is not that of its variable.
        """
        named = {variable.path.replace("/", "_"): variable for variable in self._part_variables()}
        rows = {id(of_part): (variable, axis) for variable, of_part, axis in self._rows}
        self.slots = []
        for slot in optimizer.variables:
            if not len(slot.shape):
                continue  # the learning rate, the number of steps
            names = [name for name in named if slot.name.startswith(f"{name}_")]
            variable = named[max(names, key=len)] if names else None
            if variable is None or slot.shape != variable.shape:
                raise ValueError(
                    "`optimizer` must keep numbers of the shape of each weight. Received: "
                    f"{type(optimizer).__name__}, which keeps an array of shape "
                    f"{tuple(slot.shape)}. Compile the model with 'adam' or 'sgd'."
                )
            if id(variable) in rows:
                whole, axis = rows[id(variable)]
                start = keras.ops.convert_to_numpy(slot.value).flat[0]
                array = np.zeros(whole.shape, slot.dtype)
                if start:
                    array[:] = start
                self.slots.append(Rows(slot, axis, array, is_trained=True))

    def _part_variables(self):
        every = [of_part for _, of_part, _ in self._rows] + [two for _, two in self._shared]
        return [variable for variable in every if variable.trainable]
