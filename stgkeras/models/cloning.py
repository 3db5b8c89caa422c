"""What the constructors of models take beside their arguments: a dtype, or parts of a clone."""

import contextlib
import functools

import keras
from keras import ops

from stgkeras.layers._state import StateLayer
from stgkeras.models import saved_form


def constructor(init, base):
    """The constructor of a model, which also takes `dtype`, as a layer does.

    `keras.models.clone_model` calls it with the inputs and outputs of the cloned layers alone. The
    outputs then name the model that they were cloned from, of which the clone gets the arguments,
    the graph and the scaler.
    """

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        tensors = keras.tree.flatten(args[1:2])
        source = getattr(tensors[0], "cloned_from", None) if tensors else None
        if source is None:
            with _dtype_policy(kwargs.pop("dtype", None)):
                init(self, *args, **kwargs)
            return
        arguments = {name: getattr(source, name) for name in source._argument_names}
        with _dtype_policy(source.dtype_policy):
            if type(self).__module__.startswith("stgkeras."):
                base.__init__(self, *args, arguments, **kwargs)
            else:  # only the constructor of another's class knows what else belongs to it
                config = source.get_config()
                quantized = config.pop("quantized", {})
                del config["dtype"]  # which the context sets
                init(self, **config)
                saved_form.quantize_layers(self, quantized)
        for layer in self.layers:
            if isinstance(layer, StateLayer):
                for ours, theirs in zip(
                    layer.weights, source.get_layer(layer.name).weights, strict=True
                ):
                    ours.assign(ops.convert_to_numpy(theirs))

    del __init__.__wrapped__  # Keras takes arguments of any number for those of a functional model
    return __init__


@contextlib.contextmanager
def _dtype_policy(policy):
    """Makes layers under a dtype policy, or under the one that is set if it is None."""
    before = keras.config.dtype_policy()
    try:
        if policy is not None:
            keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
        yield
    finally:
        keras.config.set_dtype_policy(before)
