"""Graph WaveNet against the released code, and against NumPy written from the equations."""

import keras
import numpy as np
import numpy_layers
import numpy_zoo
import pytest
import reference_files
import reference_gwnet
from cases import adjacency, dense, evaluate, predict, randomize, weights_of
from conftest import on_fastest, once
from gradients import gradients
from keras import ops
from model_cases import copy_weights, inputs_of, sparse_walks, walks
from model_cases import graph_wavenet as graph_wavenet_case
from reference_files import assert_close
from reference_weights import from_bcnt
from test_fast_paths import assert_same, normal

from stgkeras import graphs, layers, models
from stgkeras.kernels.dense_product import dense_product
from stgkeras.models.graph_wavenet import graph_wavenet, receptive_field

MODES = [(name, False) for name in reference_gwnet.CASES]
MODES += [("gwnet_double_adaptive", True), ("gwnet_no_graph", True)]


def built(name, arrays):
    """The network on the operators of a file as inputs, with its weights; and its inputs."""
    arguments = reference_gwnet.CASES[name]
    supports = sorted(key for key in arrays if key.startswith("in/support"))
    given = [from_bcnt(arrays["in/x"]), *(arrays[key].T for key in supports)]
    given = [array.astype("float32") for array in given]
    x, *operators = (keras.Input(batch_shape=array.shape) for array in given)
    model = keras.Model([x, *operators], graph_wavenet({"recent": x}, operators, arguments))
    values = reference_gwnet.weights(reference_files.group(arrays, "w/"))
    values |= reference_gwnet.statistics(reference_files.group(arrays, "buf/"))
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(values.pop(variable.path))
    assert not values
    return model, given, supports


@pytest.mark.parametrize("name, training", MODES)
def test_the_model_is_that_of_the_released_code(name, training):
    """Outputs, the gradients of inputs, operators and weights, and the moving statistics."""
    arrays, mode = reference_files.load(name), "_trainmode" if training else ""
    model, given, supports = built(name, arrays)
    cotangent = arrays["in/cot"].astype("float32")  # (B, horizon, N, 1), as ours
    state = [v.value for v in model.non_trainable_variables]

    def weighted_sum(*tensors):
        inputs, trainable = list(tensors[: len(given)]), list(tensors[len(given) :])
        y, _ = model.stateless_call(trainable, state, inputs, training=training)
        return ops.sum(ops.multiply(y, cotangent))

    trainable = [v.value for v in model.trainable_variables]
    output, after = evaluate(
        lambda *x: model.stateless_call(trainable, state, list(x), training=training), *given
    )
    assert_close(output, arrays[f"out64/y{mode}"], "output")
    start = [*given, *(ops.convert_to_numpy(value) for value in trainable)]
    _, found = gradients(weighted_sum, start)
    theirs = reference_files.group(arrays, f"g64{mode}/")
    expected = [from_bcnt(theirs["in/x"]), *(theirs[key].T for key in supports)]
    wanted = reference_gwnet.weights(reference_files.group(theirs, "w/"))
    expected += [wanted[v.path] for v in model.trainable_variables]
    paths = ["x", *supports, *(v.path for v in model.trainable_variables)]
    # In training, the bias before a batch normalisation has no effect.
    floor = 1e-6 * max(np.abs(gradient).max() for gradient in expected)
    for path, ours, gradient in zip(paths, found, expected, strict=True):
        assert_close(ours, gradient, f"gradient of {path}", floor=floor)
    if training:
        moved = reference_gwnet.statistics(reference_files.group(arrays, "buf_after64/"))
        before = reference_gwnet.statistics(reference_files.group(arrays, "buf/"))
        for variable, value in zip(model.non_trainable_variables, after, strict=True):
            if "moving" in variable.path:
                theirs = unbiased(variable.path, moved[variable.path], before, given[0].shape)
                assert_close(value, theirs, variable.path)


def unbiased(path, moved, before, shape):
    """PyTorch's moving variance has n / (n - 1) of the variance of n values, ours the variance."""
    if "variance" not in path:
        return moved
    number = int(path[5])
    lost = sum((1, 2)[place % 2] for place in range(number))
    n = shape[0] * shape[2] * (13 - lost)
    return 0.9 * before[path] + (moved - 0.9 * before[path]) * (n - 1) / n


def test_diffusion_and_the_gradients_of_its_operators():
    arrays = reference_files.load("gwnet_gcn_dir")
    layer = layers.DiffusionConv(5, K=2, name="layer")
    x = from_bcnt(arrays["in/x"]).astype("float32")
    operators = [arrays[f"in/support{number}"].T.astype("float32") for number in (0, 1)]
    layer.build(x.shape, [one.shape for one in operators])
    w = {**reference_files.group(arrays, "w/"), "mlp.mlp.features": 3}
    kernel, bias = reference_gwnet.diffusion(w, "mlp.mlp", "layer").values()
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)
    cotangent = from_bcnt(arrays["in/cot"]).astype("float32")

    def weighted_sum(x, *operators):
        return ops.sum(ops.multiply(layer(x, list(operators)), cotangent))

    _, found = gradients(weighted_sum, [x, *operators])
    assert_close(found[0], from_bcnt(arrays["g64/in/x"]), "gradient of x")
    for number in (0, 1):
        expected = arrays[f"g64/in/support{number}"].T
        assert_close(found[1 + number], expected, f"gradient of operator {number}")
    product = evaluate(lambda x: ops.matmul(operators[0], x), x)
    assert_close(product, from_bcnt(arrays["out64/nconv"]), "one product")


@pytest.mark.parametrize("leading", [(2,), (2, 3)])
def test_dense_product(leading):
    operator, x = normal(4, 4), normal(*leading, 4, 5, seed=1)

    def adjoint(g):
        return (g @ x.swapaxes(-1, -2)).reshape(-1, 4, 4).sum(0), operator.T @ g

    assert_same(dense_product, [operator, x], np.matmul, adjoint)


def test_supports_are_graph_operators():
    arrays = reference_files.load("gwnet_supports")
    adjacency = arrays["in/adjacency"]
    both = np.maximum(adjacency, adjacency.T)
    expected = {
        "transition": graphs.random_walk(adjacency),
        "transition_backward": graphs.random_walk(adjacency.T),
        "scaled_laplacian": graphs.scaled_laplacian(both, lambda_max=2.0),
    }
    for name, operator in expected.items():
        np.testing.assert_allclose(operator, arrays[f"out32/{name}"], atol=1e-6, err_msg=name)


def test_the_learned_graph_starts_from_a_given_graph():
    arrays = reference_files.load("gwnet_aptinit")
    model = models.GraphWaveNet(12, graph=[arrays["in/support"].T])
    layer = model.get_layer("adjacency")
    source, target = (ops.convert_to_numpy(weight.value) for weight in layer.weights)
    np.testing.assert_allclose(source @ target.T, arrays["out32/product"], atol=1e-5)
    found = ops.convert_to_numpy(layer(np.zeros((1, 12, 1), "float32")))
    np.testing.assert_allclose(found, arrays["out32/adaptive"], atol=1e-5)


def numpy_model(model, x):
    """The forecast of a model in float64, from the equations, step by step."""
    of = {layer.name: weights_of(layer) for layer in model.layers}
    operators = [dense(one).astype("float64") for one in model.graph]
    if "adjacency" in of:
        operators.append(numpy_layers.adaptive_adjacency(x, **of["adjacency"]).T)

    def linear(x, name):
        return x @ of[name]["kernel"] + of[name]["bias"]

    field, count = receptive_field(vars(model)), model.num_blocks * model.num_layers
    before = np.zeros((len(x), max(0, field - x.shape[1]), *x.shape[2:]))
    x = linear(np.concatenate([before, x], axis=1), "input_dense")
    skip = 0.0
    for number in range(count):
        name, dilation = f"layer{number + 1}", 2 ** (number % model.num_layers)
        kernel, bias = of[f"{name}_temporal"]["kernel"], of[f"{name}_temporal"]["bias"]
        reach = dilation * (len(kernel) - 1)
        h = []
        for t in range(reach, x.shape[1]):
            taps = [x[:, t - reach + dilation * j] @ tap for j, tap in enumerate(kernel)]
            p, q = np.split(sum(taps) + bias, 2, axis=-1)
            h.append(np.tanh(p) / (1 + np.exp(-q)))
        h = np.stack(h, axis=1)
        skip = skip + linear(h, f"{name}_skip")[:, -1]
        if number == count - 1:
            break
        if operators:
            h = numpy_zoo.diffusion_conv(h, operators, model.K, **of[f"{name}_graph"])
        else:
            h = linear(h, f"{name}_dense")
        norm = of[f"{name}_norm"]
        x = h + x[:, reach:] - norm["moving_mean"]
        x = x / np.sqrt(norm["moving_variance"] + 1e-5) * norm["gamma"] + norm["beta"]
    y = linear(np.maximum(linear(np.maximum(skip, 0), "output_dense"), 0), "output")
    y = y.reshape(*y.shape[:2], model.horizon, model.num_outputs)
    return y.transpose(0, 2, 1, 3)


OTHERS = {
    "wide-kernel": {"kernel_size": 3, "num_layers": 3, "K": 1, "num_features": 2, "num_outputs": 2},
    "exact": {"kernel_size": 2, "num_blocks": 2, "num_layers": 1, "K": 3, "input_length": 3},
    "no-graph": {"kernel_size": 4, "num_graphs": 0, "adaptive_units": 0, "graph": None},
}


@pytest.mark.parametrize("name", on_fastest(OTHERS, ["wide-kernel"]))
def test_the_model_in_numpy(name):
    cls, arguments, _ = graph_wavenet_case(**{"graph": walks(), **OTHERS[name]})
    model = cls(**arguments)
    randomize(model)
    rng = np.random.default_rng(1)
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    x = inputs_of(model)
    assert_close(predict(model, x), numpy_model(model, x.astype("float64")), "forecast")


@once
def test_longer_windows_give_the_forecast_of_their_last_steps():
    cls, arguments, _ = graph_wavenet_case(graph=walks())
    field = receptive_field(vars(cls(**arguments)))
    short, long = (cls(**{**arguments, "input_length": length}) for length in (field, field + 3))
    randomize(short)
    long.set_weights(short.get_weights())
    x = inputs_of(long)
    np.testing.assert_allclose(predict(long, x), predict(short, x[:, 3:]), atol=1e-6)


@once
def test_parameters_of_the_published_settings():
    """Of the 308,660 of the released code, 15,712 have no effect."""
    model = models.GraphWaveNet(170, graph=[np.eye(170)] * 2, num_features=2)
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    gcn, norm, residual = 7 * 32 * 32 + 32, 2 * 32, 8 * (32 * 32 + 32)
    assert gcn + norm + residual == 15_712 and count == 308_660 - 15_712


@once
@pytest.mark.parametrize("operators", [[], None, ()])
def test_a_diffusion_needs_an_operator(operators):
    with pytest.raises(ValueError, match="`operators` must be a list of at least one operator"):
        layers.DiffusionConv(2, K=1)(np.zeros((2, 5, 3), "float32"), operators)


@once
def test_the_list_of_graphs():
    cls, arguments, _ = graph_wavenet_case()
    model = cls(**arguments)
    assert model.num_graphs == 2 and model.num_edges is None
    with pytest.raises(ValueError, match="Set `model.graph = …`"):
        model.predict(inputs_of(model), verbose=0)
    model.graph = walks()
    for ours, theirs in zip(model.graph, walks(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    with pytest.raises(ValueError, match="`graph` must be a list of 2 operators.*a list of 1"):
        model.graph = walks()[:1]
    with pytest.raises(ValueError, match="`graph` must be a graph operator.*random_walk"):
        model.graph = [walks()[0], 5 * (adjacency() > 0)]
    np.testing.assert_allclose(model.graph[0], walks()[0], rtol=1e-6)
    with pytest.raises(ValueError, match="`graph` must be a list of 3 operators"):
        cls(**arguments, graph=walks(), num_graphs=3)
    with pytest.raises(ValueError, match="`num_edges` must be None, an int, or a sequence of 2"):
        cls(**arguments, graph=walks(), num_edges=[5])
    with pytest.raises(ValueError, match="`num_edges` must be a sequence. Received: num_edges=9.5"):
        cls(**arguments, num_edges=9.5)
    assert cls(**arguments, num_edges=np.int64(9)).num_edges == (9, 9)
    with pytest.raises(ValueError, match="`graph` must be .* without None.* None at position 1"):
        cls(**arguments, graph=[walks()[0], None])
    with pytest.raises(ValueError, match="`num_layers` must be at least 2 in a single block"):
        cls(**{**arguments, "num_layers": 1})
    assert cls(**arguments, graph=walks()[0]).num_graphs == 1  # one operator is a list of one


@once
def test_sparse_graphs_take_more_entries_later():
    cls, arguments, _ = graph_wavenet_case()
    model = cls(**arguments, graph=[sparse_walks()[0], walks()[1]])
    assert model.num_edges == (sparse_walks()[0].nnz, None)
    full = graphs.random_walk(np.ones((5, 5)))
    model.graph = [full, walks()[1]]
    assert model.num_edges == (25, None)
    again = cls.from_config(model.get_config())
    again.set_weights(model.get_weights())
    x = inputs_of(model)
    np.testing.assert_allclose(predict(again, x), predict(model, x), atol=1e-6)
    plain = cls(**arguments, graph=[full, walks()[1]])
    copy_weights(model, plain)
    np.testing.assert_allclose(predict(plain, x), predict(model, x), atol=1e-5)
