"""Whatever `save` writes, `load_model` opens, with the same class and the same numbers."""

import copy
import json
import zipfile

import keras
import numpy as np
import pytest
from cases import adjacency, dense, predict
from conftest import on_fastest, once, slow
from model_cases import CASES, inputs_of, make, model_of

from stgkeras import graphs, models

# One of each family and kind of state.
NAMES = (
    *("stgcn-season", "astgcn-dot-additive", "mstgcn"),
    *("graph-stid", "graph-wavenet-sparse", "astgcn-links-pairwise", "chebnet"),
)
FEW = ("stgcn-season", "astgcn-dot-additive", "astgcn-links-pairwise")
every_model = pytest.mark.parametrize("name", on_fastest(NAMES, FEW))


def reloaded(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


def check_same(found, model, x, run=predict):
    wanted = run(model, x)
    scale = max(1.0, np.abs(wanted).max())
    np.testing.assert_allclose(run(found, x), wanted, rtol=0, atol=1e-5 * scale)


def policies(model):
    inputs = keras.layers.InputLayer
    return [layer.dtype_policy.name for layer in model.layers if not isinstance(layer, inputs)]


@pytest.mark.parametrize("name", on_fastest(FEW, FEW[:1]))
def test_compiled(name, tmp_path):
    model = make(name)
    x = inputs_of(model)
    y = np.zeros((3, *model.output_shape[1:]), "float32")
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    model.fit(x, y, verbose=0)
    loaded = reloaded(model, tmp_path)
    assert type(loaded) is type(model)
    assert int(loaded.optimizer.iterations) == 1
    check_same(loaded, model, x)
    loaded.fit(x, y, verbose=0)


POLICIES = ("mixed_bfloat16", "mixed_float16", "float64")
EACH = [(name, policy) for name in NAMES for policy in POLICIES]


@pytest.mark.parametrize("name, policy", on_fastest(EACH, [EACH[0], EACH[4], EACH[14]]))
def test_policies_are_kept(name, policy, tmp_path):
    cls, arguments, _ = CASES[name]
    arguments = {key: value() if callable(value) else value for key, value in arguments.items()}
    before = keras.config.dtype_policy().name
    model = cls(**arguments, dtype=policy)
    assert keras.config.dtype_policy().name == before
    assert model.dtype_policy.name == policy
    assert set(policies(model)) - {"float32"} == {policy}
    loaded = reloaded(model, tmp_path)
    assert policies(loaded) == policies(model)
    clone = keras.models.clone_model(model)
    assert policies(clone) == policies(model)
    keras.config.set_dtype_policy(policy)
    try:  # a float32 model stays one, whatever policy is set as it is opened
        model = make(name, dtype="float32")
        assert policies(reloaded(model, tmp_path)) == policies(model)
        assert set(policies(model)) == {"float32"}
    finally:
        keras.config.set_dtype_policy(before)


def test_mixed_precision_predicts_the_same(tmp_path):
    model = make("stgcn-season", dtype="mixed_bfloat16")
    check_same(reloaded(model, tmp_path), model, inputs_of(model))


QUANTIZED = [pytest.param(name, marks=slow) for name in ("astgcn-links-pairwise", "chebnet")]


@pytest.mark.parametrize("name", ["stgcn-season", *QUANTIZED])
def test_quantized(name, tmp_path, frozen):
    model = make(name)
    model.quantize("int8")
    assert any("int8" in str(variable.dtype) for variable in model.variables)
    loaded = reloaded(model, tmp_path)
    assert policies(loaded) == policies(model)
    check_same(loaded, model, inputs_of(model))
    assert policies(reloaded(loaded, tmp_path)) == policies(model)


def test_quantize_says_that_it_changed_nothing(frozen):
    model = make("astgcn")
    with pytest.warns(UserWarning, match="`quantize` changed nothing, .* any layer of this ASTGCN"):
        model.quantize("int8")


def headed(model):
    """All but the last layers of a model, with a new layer."""
    hidden = model.layers[-2].output
    head = keras.layers.Dense(2, name="head")(keras.layers.Flatten()(hidden))
    return keras.Model(model.input, head)


@pytest.mark.parametrize("name", on_fastest(NAMES[:4], NAMES[:1]))
def test_a_part_with_a_new_head(name, tmp_path):
    model = make(name)
    part = headed(model)
    check_same(reloaded(part, tmp_path), part, inputs_of(model))


@every_model
def test_nested_in_another_model(name, tmp_path):
    model = make(name)
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], name=tensor.name), model.input
    )
    outer = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(model(inputs))))
    loaded = reloaded(outer, tmp_path)
    assert any(type(layer) is type(model) for layer in loaded.layers)
    check_same(loaded, outer, inputs_of(model))


@every_model
def test_clone(name):
    model = make(name)
    x = inputs_of(model)
    model.compile("sgd", "mse")
    clone = keras.models.clone_model(model)
    assert type(clone) is type(model) and clone.get_config() == model.get_config()
    assert clone.compiled and clone.loss == "mse"
    if model.graph is not None:
        np.testing.assert_array_equal(dense(clone.graph), dense(model.graph))
        assert clone.get_layer("static_graph") is not model.get_layer("static_graph")
    assert np.isfinite(clone.predict(x, verbose=0)).all()  # its weights are its own
    clone.set_weights(model.get_weights())
    check_same(clone, model, x)


def test_deep_copy():
    model = make("stgcn-sparse")
    check_same(copy.deepcopy(model), model, inputs_of(model))


def test_a_clone_by_a_function_of_the_users():
    model = make("stgcn-sparse")

    def cloned(layer):
        config = layer.get_config()
        if "rate" in config:
            config["rate"] = 0.9
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=cloned)
    assert type(clone) is models.STGCN and clone.get_layer("output_dropout").rate == 0.9
    clone.set_weights(model.get_weights())
    check_same(clone, model, inputs_of(model))


@pytest.mark.parametrize("ending", [".h5", ".hdf5"])
def test_the_older_format_is_refused(ending, tmp_path):
    model, path = make("stgcn"), tmp_path / f"model{ending}"
    path.write_text("kept")
    with pytest.raises(ValueError, match="`filepath` must end in '.keras'"):
        model.save(path)
    assert path.read_text() == "kept"
    with pytest.raises(ValueError, match="`filepath` must end in '.keras'"):
        keras.saving.save_model(model, tmp_path / f"other{ending}")


@once
def test_classes_have_names_of_their_own():
    """Layers within the models are registered, and none has the name of a layer of Keras's."""
    for name in CASES:
        for layer in model_of(name).layers:
            cls = type(layer)
            if cls.__module__.startswith("stgkeras"):
                assert keras.saving.get_registered_name(cls) == f"stgkeras>{cls.__name__}"
                assert not hasattr(keras.layers, cls.__name__), cls


GRAPHS = ["dense", "terms", "sparse"]


@pytest.mark.parametrize("kind", on_fastest(GRAPHS, GRAPHS[:2]))
def test_a_graph_with_a_road_more(kind, tmp_path):
    name = {"dense": "stgcn", "terms": "astgcn-dot-additive"}.get(kind)
    model = make(name) if name else sparse_model()
    x = inputs_of(model)
    y = np.zeros((3, *model.output_shape[1:]), "float32")
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    before = model.predict(x, verbose=0)
    more = adjacency()
    more[4, :4] = more[:4, 4] = 1.0  # the isolated node is joined to all others
    wider = graphs.scaled_laplacian(more, lambda_max=2.0)
    model.graph = wider
    np.testing.assert_allclose(dense(model.graph), wider, atol=1e-6)
    assert np.abs(model.predict(x, verbose=0) - before).max() > 1e-5
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)
    loaded = reloaded(model, tmp_path)
    np.testing.assert_allclose(dense(loaded.graph), wider, atol=1e-6)
    check_same(loaded, model, x, lambda model, x: model.predict(x, verbose=0))
    fresh = type(model).from_config(json.loads(json.dumps(model.get_config())))
    fresh.set_weights(model.get_weights())
    check_same(fresh, model, x)
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        assert len(file.read("config.json")) < 3500


def wider_graph():
    more = adjacency()
    more[4, :4] = more[:4, 4] = 1.0
    return graphs.scaled_laplacian(more, lambda_max=2.0)


def sparse_model():
    """Without room for more edges than it has."""
    cls, arguments, _ = CASES["stgcn-sparse"]
    return cls(**{**arguments, "num_edges": None, "graph": arguments["graph"]()})


def test_models_around_a_model_see_its_wider_graph():
    model = sparse_model()
    x = inputs_of(model)
    inputs = keras.Input(model.input.shape[1:])
    outer = keras.Model(inputs, model(inputs))
    part = keras.Model(model.input, model.get_layer("output").output)
    outer.predict(x, verbose=0), part.predict(x, verbose=0)
    before = part.predict(x, verbose=0)
    model.graph = wider_graph()
    np.testing.assert_allclose(
        outer.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-5
    )
    assert np.abs(part.predict(x, verbose=0) - before).max() > 1e-5


def test_a_wider_graph_is_refused_while_fit_runs():
    model = sparse_model()
    x = inputs_of(model)
    y = np.zeros((3, *model.output_shape[1:]), "float32")
    model.compile("sgd", "mse")

    def widen(epoch, logs):
        model.predict(x, verbose=0)
        model.graph = wider_graph()

    callback = keras.callbacks.LambdaCallback(on_epoch_end=widen)
    with pytest.raises(ValueError, match="entries while `fit` runs. Received: "):
        model.fit(x, y, verbose=0, callbacks=[callback])
    model.graph = wider_graph()
    model.fit(x, y, verbose=0)


@keras.saving.register_keras_serializable("test_saving")
class Mine(models.STGCN):
    """A model of the user's, with an argument of its own."""

    def __init__(self, num_nodes, alpha=0.5, **kwargs):
        super().__init__(num_nodes, **kwargs)
        self.alpha = alpha

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


def test_a_class_of_the_users_is_cloned_and_saved(tmp_path, frozen):
    _, arguments, _ = CASES["stgcn"]
    model = Mine(**{**arguments, "graph": arguments["graph"]()}, alpha=0.25)
    clone = keras.models.clone_model(model)
    assert type(clone) is Mine and clone.alpha == 0.25
    clone.set_weights(model.get_weights())
    check_same(clone, model, inputs_of(model))
    loaded = reloaded(clone, tmp_path)
    assert loaded.alpha == 0.25
    check_same(loaded, model, inputs_of(model))
    model.quantize("int8")
    assert policies(keras.models.clone_model(model)) == policies(model)


@pytest.mark.parametrize(
    "damage", [{"optimizer": 5}, {"lossx": None}, {"optimizer": {"class_name": "Adam"}}, 5]
)
def test_a_damaged_training_configuration_names_the_way_to_open_the_model(damage):
    model = make("gcn")
    model.compile("adam", "mse")
    config = model.get_compile_config()
    damaged = {**config, **damage} if isinstance(damage, dict) else damage
    with pytest.raises(ValueError, match="`compile` must be False to open this file"):
        make("gcn").compile_from_config(damaged)
