"""What TensorBoard's own reader finds in a folder of logs."""

import sys
import types


def read(folder):
    # Tells tensorboard to read through its own file code, so that it loads no TensorFlow.
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder))
    reader.Reload()
    return reader


def scalars(reader):
    """{tag: {step: value}}; a step that shows twice fails."""
    found = {}
    for tag in reader.Tags()["scalars"]:
        events = reader.Scalars(tag)
        found[tag] = {event.step: event.value for event in events}
        assert len(found[tag]) == len(events)
    return found


def tensors(reader, tag):
    """{step: array}."""
    from tensorboard.util.tensor_util import make_ndarray

    return {event.step: make_ndarray(event.tensor_proto) for event in reader.Tensors(tag)}
