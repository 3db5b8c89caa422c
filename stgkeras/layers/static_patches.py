from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from stgkeras.graphs import Patches
from stgkeras.layers import _checks
from stgkeras.layers._state import StateLayer, unset
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class StaticPatches(StateLayer):
    """Layer that stores patches of nodes, and saves them with the weights of the model.

    Args:
        num_nodes: int. Number of nodes N.
        num_slots: int. Number of slots of all patches together, at least N.
        patches: None, or a pair (nodes, slots) of int arrays, see `graphs.patches`: the node in
            each of the `num_slots` slots, in any shape, and the own slot (num_nodes,) of each node.
            The attribute `patches` can also be set later. Default None.

    Call arguments:
        x: tensor of any shape. Its values are not used. A functional model needs an input tensor
            for each layer.

    Returns:
        dict of two int32 tensors: "nodes" (num_slots,) and "slots" (num_nodes,).

    Raises:
        ValueError: if `num_slots` is below `num_nodes`, or the patches have other sizes or do not
            hold each node in its own slot; in a call, if the patches were never set.

    Example:
        >>> import stgkeras
        >>> found = stgkeras.graphs.patches([[48.1, 16], [48.2, 16], [48.3, 16]], depth=1)
        >>> layer = stgkeras.layers.StaticPatches(3, 4, found)
        >>> layer.patches.nodes.tolist(), layer.patches.slots.tolist()
        ([0, 1, 1, 2], [0, 2, 3])
    """

    _what = "`patches`"
    _remedy = "Pass `places` to the model, or set `model.patches = …` or `layer.patches = …`"

    def __init__(
        self,
        num_nodes: int,
        num_slots: int,
        patches: Sequence[Array] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_nodes = _checks.integer("num_nodes", num_nodes)
        self.num_slots = _checks.integer("num_slots", num_slots, self.num_nodes)
        for name, size in (("nodes", self.num_slots), ("slots", self.num_nodes)):
            weight = self.add_weight(
                (size,), unset("int32"), dtype="int32", trainable=False, name=name
            )
            setattr(self, f"_{name}", weight)
        self.built = True
        if patches is not None:
            self.patches = patches

    def _first_variable(self):
        return self._nodes

    @property
    def patches(self) -> Patches:
        """`graphs.Patches` of int32 arrays: the nodes (num_slots,) and the slots (num_nodes,)."""
        return Patches(*(keras.ops.convert_to_numpy(one.value) for one in self.weights))

    @patches.setter
    def patches(self, patches: Sequence[Array]) -> None:
        must = (
            f"`patches` must be the node in each of {self.num_slots} slots, and the own slot of "
            f"each of {self.num_nodes} nodes"
        )
        fix = "Pass the result of `stgkeras.graphs.patches`."
        try:
            nodes, slots = (np.array(part) for part in patches)
        except (TypeError, ValueError) as error:  # no pair, or lists of different lengths
            raise ValueError(f"{must}. Received: {error}. {fix}") from error
        nodes, every = nodes.ravel(), np.arange(self.num_nodes)
        sizes, kinds = (len(nodes), *slots.shape), nodes.dtype.kind + slots.dtype.kind
        if sizes != (self.num_slots, self.num_nodes) or set(kinds) - set("iu"):
            received = f"{len(nodes)} slots, of {slots.shape} nodes, dtype {nodes.dtype}"
            raise ValueError(f"{must}. Received: {received}. {fix}")
        is_own = np.isin(slots, np.arange(self.num_slots)).all()
        if not np.isin(nodes, every).all() or not is_own or (nodes[slots] != every).any():
            raise ValueError(f"{must}. Received: a node in the slot of another one. {fix}")
        self._nodes.assign(nodes.astype("int32"))
        self._slots.assign(slots.astype("int32"))

    def call(self, x: Tensor) -> dict[str, Tensor]:
        return {"nodes": self.read(self._nodes), "slots": self.read(self._slots)}

    def compute_output_spec(self, x: Tensor) -> dict[str, keras.KerasTensor]:
        return {
            "nodes": keras.KerasTensor((self.num_slots,), "int32"),
            "slots": keras.KerasTensor((self.num_nodes,), "int32"),
        }

    def get_config(self) -> dict[str, Any]:
        names = ("num_nodes", "num_slots")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
