"""Training in several processes: refused where each would train alone; forecasts of all windows."""

from __future__ import annotations

from typing import Any

import keras

from stgkeras import _processes


def check_shared(method: str, *data: Any) -> None:
    """Raises ValueError if the processes would train alone, or on the same windows.

    Args:
        method: str. Name of the method of `keras.Model` that is called.
        *data: the data of training, and of validation or None.
    """
    if method != "fit":
        return
    own = _processes.running()
    if own[1] == 1:
        return
    if keras.backend.backend() == "torch" and keras.distribution.distribution() is None:
        raise ValueError(
            f"`fit` would train each of the {own[1]} processes alone, because Keras has no engine "
            "for PyTorch. Received: an initialised torch.distributed. Write a loop with "
            "DistributedDataParallel, as examples/train_parallel.py does."
        )
    for one in data:
        if one is not None and getattr(one, "shard", None) != own:
            raise ValueError(
                "Each process would train on the same windows. Pass `datasets.Windows`, which read "
                f"the part {own} of each batch. Received: data of type {type(one).__name__}, with "
                f"shard={getattr(one, 'shard', None)}"
            )


def without_filled(forecasts: Any, windows: Any) -> Any:
    """Returns the forecasts without those of the windows that fill the last batch."""
    if getattr(windows, "last", None) != "fill":
        return forecasts
    number = len(windows.starts) if _gathers() else windows.num_windows
    return keras.tree.map_structure(lambda array: array[:number], forecasts)


def gather_forecasts(model: keras.Model) -> None:
    """Makes `predict` on JAX return the forecasts of all processes, in each of them."""
    function = model.predict_function
    if getattr(function, "gathers", False) or not _gathers():
        return

    def predict(state, iterator):
        from jax.experimental import multihost_utils

        outputs, state = function(state, iterator)
        return multihost_utils.process_allgather(outputs, tiled=True), state

    setattr(predict, "gathers", True)  # noqa: B010
    model.predict_function = predict


def _gathers():
    """Returns whether `predict` returns the forecasts of all processes."""
    return keras.backend.backend() == "jax" and _processes.running()[1] > 1
