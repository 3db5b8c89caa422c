"""What holds for every layer, checked one by one over the cases of `layer_cases.py`."""

import functools
import inspect
import json

import keras
import numpy as np
import pytest
from cases import evaluate, weights_of, with_batch
from gradients import gradients
from keras import ops
from layer_cases import LAYERS

every_layer = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
STATE = {
    "graph",
    "clusters",
    "patches",
}  # arguments that the weights keep, not the config
OF_ALL = ("static", "adaptive", "agent-tokens")  # whose outputs have no batch axis
BATCH = {name: LAYERS[name] for name in LAYERS if not name.startswith(OF_ALL)}


def shapes_of(outputs):
    if isinstance(outputs, dict):
        return {key: tuple(value.shape) for key, value in outputs.items()}
    if isinstance(outputs, tuple):
        return tuple(tuple(value.shape) for value in outputs)
    return tuple(outputs.shape)


flat = keras.tree.flatten
BATCH_SIZE = 3


@functools.cache
def layer_of(case):
    """A layer that tests share and leave as it is."""
    return case.build()


def outputs_of(case, layer=None, arrays=None):
    """The outputs as NumPy arrays, in the order of `keras.tree`."""
    arrays = arrays or case.arrays(BATCH_SIZE)
    return evaluate(case.function(layer or layer_of(case)), *arrays.values())


def assert_equal(found, expected):
    assert len(found) == len(expected) > 0
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_every_public_layer_has_a_case():
    from stgkeras import layers

    assert {case.layer.__name__ for case in LAYERS.values()} == set(layers.__all__)


@every_layer
def test_config_keys_are_the_arguments(case):
    lineage = case.layer.__mro__
    ours = [base for base in lineage if base.__module__.startswith("stgkeras")]
    theirs = next(base for base in lineage if base.__module__.startswith("keras"))
    arguments = {
        name
        for base in ours
        if "__init__" in vars(base)
        for name, parameter in inspect.signature(base.__init__).parameters.items()
        if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    known = set(theirs().get_config())
    assert set(case.make().get_config()) - known == arguments - STATE - known


@every_layer
def test_config_survives_json_and_rebuilds_an_equal_layer(case):
    layer = case.make(name="mine")
    form = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    copy = keras.saving.deserialize_keras_object(form)
    assert type(copy) is case.layer
    assert copy.get_config() == layer.get_config()
    plain = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in case.kwargs.items()
        if name not in STATE and not name.endswith(("initializer", "regularizer"))
    }
    assert {name: copy.get_config()[name] for name in plain} == plain

    case.run(copy, case.symbols())
    for ours, theirs in zip(copy.variables, layer_of(case).variables, strict=True):
        ours.assign(ops.convert_to_numpy(theirs.value))
    assert_equal(outputs_of(case, copy), outputs_of(case))


@every_layer
@pytest.mark.parametrize("batch", [None, 1, 3])
def test_output_shape(case, batch):
    layer = case.make()
    assert shapes_of(case.run(layer, case.symbols(batch))) == with_batch(case.output, batch)
    if batch is not None:
        found = outputs_of(case, arrays=case.arrays(batch))
        expected = flat(case.run(layer, case.symbols(batch)))
        assert [y.shape for y in found] == [tuple(y.shape) for y in expected]


@every_layer
def test_number_of_weights(case):
    layer = case.build()
    assert len(layer.trainable_variables) == case.trainable
    assert len(layer.non_trainable_variables) == case.frozen


@pytest.mark.parametrize(
    "case",
    [case for case in LAYERS.values() if case.trainable],
    ids=[name for name, case in LAYERS.items() if case.trainable],
)
def test_every_trainable_weight_has_a_gradient(case):
    layer = case.build()
    inputs = keras.tree.map_structure(ops.convert_to_tensor, case.arrays(2))
    state = [v.value for v in layer.non_trainable_variables]
    rng = np.random.default_rng(1)
    outputs = flat(case.run(layer, case.symbols(2)))
    cotangents = [rng.standard_normal(y.shape).astype("float32") for y in outputs]

    def weighted_sum(*trainable):
        y, _ = layer.stateless_call(list(trainable), state, *inputs.values(), **case.call)
        return sum(ops.sum(ops.multiply(a, c)) for a, c in zip(flat(y), cotangents, strict=True))

    start = [ops.convert_to_numpy(v.value) for v in layer.trainable_variables]
    _, found = gradients(weighted_sum, start)
    for variable, gradient in zip(layer.trainable_variables, found, strict=True):
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 1e-6, variable.path


@every_layer
def test_a_saved_model_predicts_the_same(case, tmp_path):
    layer, symbols = layer_of(case), case.symbols()
    model = keras.Model(list(symbols.values()), case.run(layer, symbols))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.get_layer(layer.name)) is case.layer
    arrays = case.arrays(BATCH_SIZE).values()
    assert_equal(evaluate(lambda *a: flat(loaded(list(a))), *arrays), outputs_of(case))


@every_layer
def test_mixed_precision(case):
    layer = case.build(dtype="mixed_bfloat16")
    assert all(v.dtype in ("float32", "int32") for v in layer.variables)
    symbols = flat(case.run(layer, case.symbols(BATCH_SIZE)))
    dtypes = []

    def run(*arrays):
        outputs = case.function(layer)(*arrays)
        dtypes[:] = [keras.backend.standardize_dtype(y.dtype) for y in outputs]
        return outputs

    found = evaluate(run, *case.arrays(BATCH_SIZE).values())
    expected = outputs_of(case)
    assert dtypes == [symbol.dtype for symbol in symbols]
    assert dtypes == ["int32" if y.dtype.kind in "iu" else "bfloat16" for y in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs).max() <= 0.08 * np.abs(theirs).max()


@pytest.mark.parametrize("case", BATCH.values(), ids=BATCH)
def test_samples_are_independent(case):
    order = np.array([2, 0, 1])
    arrays = case.arrays(BATCH_SIZE)

    def mixed(array, shape):
        return array[order] if shape[0] is None else array

    moved = {}
    for name, shape in case.inputs.items():
        value = arrays[name]
        if isinstance(shape, list):
            moved[name] = [mixed(a, s) for a, s in zip(value, shape, strict=True)]
        elif not isinstance(shape, dict):
            moved[name] = mixed(value, shape)
        else:
            moved[name] = {key: mixed(value[key], shape[key]) for key in value}
    expected = [y[order] for y in outputs_of(case)]
    assert_equal(outputs_of(case, arrays=moved), expected)


@every_layer
def test_a_seed_repeats_the_weights(case):
    def weights():
        keras.utils.set_random_seed(3)
        layer = case.make()
        case.run(layer, case.symbols())
        return weights_of(layer)

    first, second = weights(), weights()
    assert len(first) == case.trainable + case.frozen
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
