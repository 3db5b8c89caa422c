"""Functions of trained models: iterated forecasts and attention scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import scipy.sparse
from keras import ops

from stgkeras import arguments
from stgkeras.layers import SpatialAttention, TemporalAttention, _checks
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.graph_model import GraphModel

ATTENTION = (SpatialAttention, TemporalAttention)


def forecast(
    model: keras.Model,
    x: np.ndarray,
    steps: int,
    calendar: np.ndarray | None = None,
    past_calendar: np.ndarray | None = None,
) -> np.ndarray:
    """Forecasts more steps than the horizon of a model, by iteration (autoregressive forecast).

    The model forecasts one horizon. The forecast is appended to the window as new readings, and the
    model forecasts the next horizon from the last steps of the window.

    Args:
        model: forecaster with one input window, without a graph input, covariates and quantiles.
            It must forecast all its input features: `num_outputs` must equal `num_features`.
        x: array (batch, input_length, num_nodes, num_features), the last readings, in original
            units.
        steps: int. Number of steps to forecast.
        calendar: None, or for a model with a season, and for STID, STAEformer and FaST, an array
            (batch, at least ⌈steps / horizon⌉ · horizon, 2): `datasets.calendar` of the steps after
            the window. Default None.
        past_calendar: None, or for a model with `past_calendar=True`, and for STID, STAEformer and
            FaST, an array (batch, input_length, 2): `datasets.calendar` of the steps of `x`.
            Default None.

    Returns:
        NumPy array (batch, steps, num_nodes, num_features), in original units. The features have
        the order of `model.targets`.

    Raises:
        ValueError: if `steps` is below 1, the model has several components, a graph input,
            covariates, quantiles or fewer outputs than input features, or a calendar is missing or
            too short.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.STGCN(3, graph=np.eye(3), horizon=1)
        >>> stgkeras.models.forecast(model, np.zeros((2, 12, 3, 1), "float32"), steps=5).shape
        (2, 5, 3, 1)

    Source:
        Yu et al., 2018, arXiv:1709.04875, section 3.4, with a horizon of one step.
    """
    steps = _checks.integer("steps", steps)
    if not isinstance(model, Forecaster):
        raise _wrong_model("forecaster, such as STGCN", model)
    fits = not isinstance(model.input_length, dict) and not model.dynamic_graph
    if model.num_outputs != model.num_features or not fits:
        raise ValueError(
            "`model` must forecast all its input features, from one window, on a fixed graph. "
            f"Received: num_features={model.num_features}, num_outputs={model.num_outputs}, "
            f"input_length={model.input_length!r}, dynamic_graph={model.dynamic_graph!r}. Use a "
            "model with `num_outputs=num_features`, an int as `input_length` and a fixed graph, or "
            "a model with a longer `horizon`."
        )
    more = {
        name: getattr(model, name) for name in ("quantiles", "past_covariates", "future_covariates")
    }
    if any(more.values()):
        raise ValueError(
            "`model` must read readings alone and forecast single values, because its forecasts "
            f"become readings. Received: {', '.join(f'{k}={v}' for k, v in more.items() if v)}. "
            "Use a model with a longer `horizon`."
        )
    _check_arrays("x", model, x, "x")
    if calendar is not None:
        calendar = arguments.array("calendar", calendar)
    if past_calendar is not None:
        past_calendar = arguments.array("past_calendar", past_calendar)
    rounds = -(-steps // model.horizon)
    if model.season is not None or model.past_calendar:
        needed, given = rounds * model.horizon, () if calendar is None else np.shape(calendar)
        if len(given) != 3 or given[0] != len(x) or given[1] < needed:
            raise ValueError(
                f"`calendar` must have shape ({len(x)}, at least {needed}, 2) for {steps} steps. "
                f"Received: {given if given else calendar}. Pass `datasets.calendar` of the steps "
                "after the window."
            )
    if model.past_calendar:
        expected = (len(x), model.input_length, 2)
        found = None if past_calendar is None else np.shape(past_calendar)
        if found != expected:
            raise ValueError(
                f"`past_calendar` must have shape {expected} for a model with past_calendar=True. "
                f"Received: {found}. Pass `datasets.calendar` of the steps of `x`."
            )
        clock = np.concatenate([past_calendar, calendar], axis=1)
    window, parts = np.asarray(x), []
    for number in range(rounds):
        inputs: Any = window
        if calendar is not None and (model.season is not None or model.past_calendar):
            first, inputs = number * model.horizon, {"x": window}
            if model.season is not None:
                inputs["calendar"] = calendar[:, first : first + model.horizon]
            if model.past_calendar:
                inputs["past_calendar"] = clock[:, first : first + model.input_length]
        parts.append(model.predict(inputs, verbose=0))
        readings = parts[-1] if model.targets is None else parts[-1][..., np.argsort(model.targets)]
        window = np.concatenate([window, readings], axis=1)[:, -model.input_length :]
    return np.concatenate(parts, axis=1)[:, :steps]


def attention_scores(
    model: keras.Model, inputs: Any
) -> dict[str, np.ndarray | list[scipy.sparse.csr_array]]:
    """Computes the attention scores of a trained model for given inputs.

    Row n of a spatial attention shows how much node n depends on each node. Row t of a temporal
    attention shows how much step t depends on each step.

    Args:
        model: any model with layers `SpatialAttention` or `TemporalAttention`, such as ASTGCN.
        inputs: inputs of the model, as for `predict`.

    Returns:
        dict of layer names and scores. Spatial attention: NumPy array (batch, nodes, nodes); for
        "additive" attention on a sparse graph, a list with one SciPy csr_array (nodes, nodes) for
        each sample. Temporal attention: NumPy array (batch, steps, steps), or (batch, heads, steps,
        steps) with several heads. Rows sum to 1.

    Raises:
        ValueError: if the model has no such layers.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.ASTGCN(3, graph=np.eye(3), num_blocks=1)
        >>> scores = stgkeras.models.attention_scores(model, np.zeros((2, 12, 3, 1), "float32"))
        >>> {name: array.shape for name, array in scores.items()}
        {'block1_temporal_attention': (2, 12, 12), 'block1_spatial_attention': (2, 3, 3)}
    """
    if not isinstance(model, keras.Model):
        raise _wrong_model("model with attention layers, such as ASTGCN", model)
    found = [layer for layer in model.layers if isinstance(layer, ATTENTION)]
    if not found:
        raise ValueError(
            "`model` must have attention layers that return their scores, as ASTGCN has. "
            f"Received: {model.name} without such layers. Use a model such as ASTGCN with "
            "`attention=True`."
        )
    _check_arrays("inputs", model, inputs)
    if isinstance(model, GraphModel):  # the plain Keras model below does not check its inputs
        model.require_state()
        model.readings().checked(inputs)
    # The output of a spatial attention is its scores. The output of a temporal attention can be the
    # attended signal, so its scores are computed again from its input.
    wanted = [
        layer.output if isinstance(layer, SpatialAttention) else layer.input for layer in found
    ]
    arrays = keras.Model(model.input, wanted).predict(inputs, verbose=0)
    scores = dict(zip((layer.name for layer in found), arrays, strict=True))
    for layer in found:
        array = scores[layer.name]
        if not isinstance(layer, SpatialAttention):
            array = ops.convert_to_numpy(layer(array, return_attention_scores="only"))
        elif array.ndim == 2:
            array = model.get_layer("static_graph").matrices(array)
        scores[layer.name] = array
    return scores


def _wrong_model(kind, model):
    return TypeError(
        f"`model` must be a {kind}. Received: model of type {type(model).__name__}. Pass a trained "
        "model of `stgkeras.models`."
    )


def _check_arrays(name, model, inputs, only=None):
    """Checks the types and shapes of the input arrays of a model. Data sets are left to Keras."""
    if isinstance(inputs, (keras.utils.PyDataset, Iterator)) or hasattr(inputs, "element_spec"):
        return
    symbols = {symbol.name: symbol for symbol in keras.tree.flatten(model.input)}
    symbols = {only: symbols[only]} if only else symbols
    if isinstance(inputs, Mapping):
        given = dict(inputs)
    else:
        values = [inputs] if len(symbols) == 1 else inputs
        is_list = isinstance(values, (list, tuple)) and len(values) == len(symbols)
        given = dict(zip(symbols, values, strict=True)) if is_list else {}
    for key, symbol in symbols.items():
        try:
            array = ops.convert_to_numpy(given[key])
            is_real = array.dtype.kind in "biuf"
        except Exception:  # each backend has its own
            array, is_real = None, False
        if not is_real or array.ndim == 0 or array.shape[1:] != tuple(symbol.shape[1:]):
            shape = ", ".join(map(str, ("batch", *symbol.shape[1:])))
            received = type(inputs).__name__ if array is None else f"shape {array.shape}"
            raise ValueError(
                f"`{name}` must hold numbers, for {key!r} an array ({shape}). Received: "
                f"{received}{'' if is_real else ' without numbers'}. Pass the inputs of `predict`."
            )
