"""Graph WaveNet against the released code, and against NumPy written from the equations."""

import keras
import numpy as np
import pytest
import reference_files
import reference_gwnet
from cases import evaluate
from gradients import gradients
from keras import ops
from reference_files import assert_close
from reference_weights import from_bcnt

from stgkeras import graphs, layers, models
from stgkeras.models.graph_wavenet import graph_wavenet

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
