"""What `fit`, `evaluate` and `predict` refuse before the first batch reaches the model."""

import keras
import numpy as np
import pytest
from cases import NODES
from model_cases import inputs_of, make

from stgkeras import datasets, losses


class Batch(keras.utils.PyDataset):
    """One batch."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.x, self.y


def test_missing_targets_are_refused_before_the_first_batch():
    """The batch with the missing target is the last one; an hour of training may come before."""
    values = np.random.default_rng(0).normal(size=(60, NODES, 2))
    values[50, 2, 0] = np.nan
    flow = values[..., :1]
    model = make("stgcn-normalize")
    read = {"input_length": 6, "horizon": model.horizon, "missing": True}
    windows = datasets.Windows(values, flow, np.arange(49), **read)
    model.compile("sgd", "mae")
    read_batches = []
    windows.gather = read_batches.append
    with pytest.raises(ValueError, match=r"NaN at targets\[50, 2, 0\], .*'mae' does not ignore"):
        model.fit(windows, verbose=0)
    with pytest.raises(ValueError, match=r"NaN at targets\[50, 2, 0\]"):
        model.fit(values[:6][None], flow[None, :1], validation_data=windows, verbose=0)
    assert read_batches == []
    # Missing inputs, and missing readings that no window predicts, are no error.
    last = 50 - 6 - model.horizon
    starts = np.append(np.arange(last + 1), np.arange(45, 60 - 6 - model.horizon + 1))
    assert datasets.Windows(values, flow, starts, **read).missing_target() is None
    place = datasets.Windows(values, flow, [0, last + 1], **read).missing_target()
    assert place == (50, 2, 0)
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    windows = datasets.Windows(values, flow, np.arange(49), **read)
    model.evaluate(windows, verbose=0)


def test_other_names_of_inputs_are_refused():
    """Keras would take the inputs in the order of the sorted names, shifted by one."""
    model = make("astgcn-components")
    x = inputs_of(model)
    y = np.zeros(model.predict(x, verbose=0).shape, "float32")
    model.compile("sgd", "mae")
    message = r"exactly the inputs of the model, \[.*'recent'.*\]. .*'calendar'.*\['calendar'\]"
    more = x | {"calendar": next(iter(x.values()))}
    for call in (
        lambda: model.predict(more, verbose=0),
        lambda: model.fit(more, y, verbose=0),
        lambda: model.evaluate(Batch(more, y), verbose=0),
        lambda: model(more),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    lacking = dict(list(x.items())[1:])
    with pytest.raises(ValueError, match=rf"Add \['{next(iter(x))}'\]"):
        model.predict(lacking, verbose=0)


def test_a_function_of_the_users_may_have_a_use_for_nan():
    def masked(y_true, y_pred):
        there = keras.ops.logical_not(keras.ops.isnan(y_true))
        return keras.ops.mean(keras.ops.where(there, keras.ops.abs(y_pred - y_true), 0.0))

    model = make("stgcn")
    x, y = inputs_of(model), np.zeros((3, model.horizon, NODES, 1), "float32")
    y[2, 0, 0, 0] = np.nan
    model.compile("sgd", masked)
    model.evaluate(x, y, verbose=0)
