"""What is asked of a trained model beside its forecast."""

import keras
import numpy as np
from keras import ops

from stgkeras.layers import SpatialAttention, TemporalAttention, _checks
from stgkeras.models.graph_model import GraphModel

ATTENTION = (SpatialAttention, TemporalAttention)


def forecast(model, x, steps, calendar=None):
    """Forecasts any number of steps, feeding a model its own forecasts.

    Args:
        model: a forecaster that forecasts all its input features (`num_outputs` equals
            `num_features`), with one input window and a fixed graph.
        x: (batch, input_length, num_nodes, num_features), the last readings in original units.
        steps: int. Number of steps to forecast.
        calendar: of a model with a season, (batch, later steps, 2): `datasets.calendar` of the
            steps that follow, as many whole horizons as `steps` needs.

    Returns:
        (batch, steps, num_nodes, num_features), NumPy.

    Raises:
        ValueError: if the model forecasts other features than it reads, or the calendar is too
            short.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.STGCN(3, graph=np.eye(3), horizon=1)
        >>> stgkeras.models.forecast(model, np.zeros((2, 12, 3, 1), "float32"), steps=5).shape
        (2, 5, 3, 1)

    Source:
        Yu et al., 2018, arXiv:1709.04875, section 3.4: a model of the next step, rolled out.
    """
    steps = _checks.integer("steps", steps)
    fits = not isinstance(model.input_length, dict) and not model.dynamic_graph
    if model.num_outputs != model.num_features or not fits:
        raise ValueError(
            "`model` must forecast all the features it reads, from one window, on a fixed graph. "
            f"Received: num_features={model.num_features}, num_outputs={model.num_outputs}, "
            f"input_length={model.input_length!r}, dynamic_graph={model.dynamic_graph!r}"
        )
    rounds = -(-steps // model.horizon)
    if model.season is not None:
        needed, given = rounds * model.horizon, np.shape(calendar)  # () of None
        if len(given) != 3 or given[0] != len(x) or given[1] < needed:
            raise ValueError(
                f"`calendar` must have shape ({len(x)}, at least {needed}, 2) for {steps} steps. "
                f"Received: {given if given else calendar}"
            )
    window, parts = np.asarray(x), []
    for number in range(rounds):
        inputs = window
        if model.season is not None:
            first = number * model.horizon
            inputs = {"x": window, "calendar": calendar[:, first : first + model.horizon]}
        parts.append(model.predict(inputs, verbose=0))
        window = np.concatenate([window, parts[-1]], axis=1)[:, -model.input_length :]
    return np.concatenate(parts, axis=1)[:, :steps]


def attention_scores(model, inputs):
    """Takes the attention out of a trained model: who listens to whom, for given inputs.

    Args:
        model: any model with attention layers, such as ASTGCN.
        inputs: its inputs, as for `predict`.

    Returns:
        dict of layer name → NumPy array whose rows sum to 1: (batch, nodes, nodes) of a spatial
        attention, (batch, steps, steps) of a temporal one, with heads after the batch if several.
        Of "additive" attention on a sparse graph a list of scipy csr_arrays, one a sample.

    Raises:
        ValueError: if the model has no attention.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.ASTGCN(3, graph=np.eye(3), num_blocks=1)
        >>> scores = stgkeras.models.attention_scores(model, np.zeros((2, 12, 3, 1), "float32"))
        >>> {name: array.shape for name, array in scores.items()}
        {'block1_temporal_attention': (2, 12, 12), 'block1_spatial_attention': (2, 3, 3)}
    """
    found = [layer for layer in model.layers if isinstance(layer, ATTENTION)]
    if not found:
        raise ValueError(f"`model` must have attention layers. Received: {model.name} without any")
    if isinstance(model, GraphModel):  # the model below is one of Keras's, which checks nothing
        model.require_state()
        model.readings().checked(inputs)
    # A spatial attention gives its scores; a temporal one is asked again, for what it was given.
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
