"""FocalLoss against its formula, against torch's outputs, and at the edges of float32."""

import functools

import keras
import numpy as np
import pytest
import reference_files
from conftest import on_fastest, slow
from gradients import gradients

from stgkeras import metrics
from stgkeras.losses import FocalLoss, balanced_weight

IS_TORCH = keras.backend.backend() == "torch"
VARIANTS = [(0.25, 2.0), (0.75, 0.0), (0.5, 1.5)]


def focal(y, p, alpha, gamma):
    with np.errstate(divide="ignore"):
        log_p, log_not_p = np.maximum(np.log(p), -100), np.maximum(np.log1p(-p), -100)
    bce = -(y * log_p + (1 - y) * log_not_p)
    return alpha * (-np.expm1(-bce)) ** gamma * bce


def focal_slope(y, p, alpha, gamma):
    bce = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    miss = -np.expm1(-bce)
    outer = miss**gamma + bce * gamma * miss ** (gamma - 1) * np.exp(-bce)
    return alpha * outer * ((1 - y) / (1 - p) - y / p)


def random_entries(hard, shape=(4, 6, 6)):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, shape) if hard else rng.random(shape)
    return y.astype("float32"), rng.uniform(0.001, 0.999, shape).astype("float32")


def entry_gradients(loss, y, pred):
    """Value and gradient of every entry, before any averaging."""
    total, (grad,) = gradients(lambda x: keras.ops.sum(loss.call(y, x)), [pred])
    assert np.isfinite(total)
    return keras.ops.convert_to_numpy(loss.call(y, pred)), grad


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("alpha, gamma", [*VARIANTS, (1.0, 0.5), (3.0, 5.0)])
def test_values_and_gradients_follow_the_formula(alpha, gamma, hard):
    y, p = random_entries(hard)
    value, grad = entry_gradients(FocalLoss(alpha, gamma), y, p)
    y, p = y.astype("float64"), p.astype("float64")
    np.testing.assert_allclose(value, focal(y, p, alpha, gamma), rtol=1e-5, atol=1e-9)
    expected = focal_slope(y, p, alpha, gamma)
    np.testing.assert_allclose(grad, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_values_keep_their_digits_near_zero_and_one(gamma):
    p = np.array([1e-9, 1e-5, 1e-3, 1 - 1e-3, 1 - 1e-6], "float32")
    y = np.array([0, 0, 0, 1, 1], "float32")
    value, _ = entry_gradients(FocalLoss(1.0, gamma), y, p)
    expected = focal(y.astype("float64"), p.astype("float64"), 1.0, gamma)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("targets", ["hard", "soft"])
@pytest.mark.parametrize("alpha, gamma", VARIANTS)
def test_mean_equals_torch(alpha, gamma, targets):
    data = reference_files.load("torch_focal_bce")
    y, p = data[f"target_{targets}"].astype("float32"), data["pred"].astype("float32")
    expected = data[f"focal_{targets}_a{alpha}_g{gamma}_loss64"]
    np.testing.assert_allclose(float(FocalLoss(alpha, gamma)(y, p)), expected, rtol=1e-5)


@pytest.mark.parametrize("targets", ["hard", "soft"])
def test_entries_equal_torch_cross_entropy(targets):
    data = reference_files.load("torch_focal_bce")
    y, p = data[f"target_{targets}"].astype("float32"), data["pred"].astype("float32")
    value, _ = entry_gradients(FocalLoss(1.0, 0.0), y, p)
    np.testing.assert_allclose(value, data[f"bce_{targets}_elem64"], rtol=1e-5)


@pytest.mark.parametrize("targets", ["hard", "soft"])
def test_gradients_equal_torch_wherever_its_own_are_below_the_bound(targets):
    data = reference_files.load("torch_focal_bce")
    y, p = data[f"target_{targets}"].astype("float32"), data["pred"].astype("float32")
    _, grad = entry_gradients(FocalLoss(), y, p)
    expected = data[f"focal_{targets}_gpred64"] * p.size
    small = np.abs(expected) < 1e7
    np.testing.assert_allclose(grad[small], expected[small], rtol=1e-5, atol=1e-7)
    assert small.sum() >= 138 and np.abs(grad).max() <= 1e7


def test_interior_gradient_of_the_mean_equals_torch():
    data = reference_files.load("torch_focal_bce")
    y, p = data["target_hard"].astype("float32"), data["pred_interior"].astype("float32")
    value, (grad,) = gradients(lambda x: FocalLoss()(y, x), [p])
    expected = data["focal_interior_hard_gpred64"]
    np.testing.assert_allclose(value, data["focal_interior_hard_loss64"], rtol=1e-5)
    np.testing.assert_allclose(grad, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


GAMMAS = [0.0, 0.01, 0.5, 1.0, 2.0, 20.0]


@pytest.mark.parametrize("alpha", on_fastest([0.01, 0.25, 1.0, 3.0], [3.0]))
@pytest.mark.parametrize("gamma", GAMMAS)
def test_gradients_are_finite_and_bounded_on_all_of_float32(alpha, gamma):
    small = [0, 1e-45, 1e-40, 3e-38, 1e-30, 1e-8, 1e-7, 2e-7, *np.geomspace(1e-9, 0.5, 50)]
    p = np.concatenate([small, 1 - np.geomspace(6e-8, 0.5, 50), [1]]).astype("float32")
    y, p = np.broadcast_arrays(np.linspace(0, 1, 11, dtype="float32")[:, None], p)
    value, grad = entry_gradients(FocalLoss(alpha, gamma), y.copy(), p.copy())
    assert np.isfinite(value).all() and np.abs(grad).max() <= 1e7


def test_gradient_is_zero_where_the_logarithm_is_stopped():
    y, p = np.array([0, 1, 0, 1], "float32"), np.array([1, 0, 0, 1], "float32")
    value, grad = entry_gradients(FocalLoss(), y, p)
    np.testing.assert_allclose(value, [25, 25, 0, 0])
    np.testing.assert_array_equal(grad, np.zeros(4))


def test_gradient_stays_large_just_before_the_stop():
    _, grad = entry_gradients(FocalLoss(), np.ones(1, "float32"), np.full(1, 1e-30, "float32"))
    np.testing.assert_allclose(grad, -1e7, rtol=1e-4)


@pytest.mark.parametrize("alpha, gamma", VARIANTS)
def test_logits_equal_probabilities_where_both_are_accurate(alpha, gamma):
    y, p = random_entries(hard=False)
    logits = (np.log(p.astype("float64")) - np.log1p(-p.astype("float64"))).astype("float32")
    value, grad = entry_gradients(FocalLoss(alpha, gamma, from_logits=True), y, logits)
    expected, slope = entry_gradients(FocalLoss(alpha, gamma), y, p)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(grad, slope * p * (1 - p), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_logits_are_stable_far_out(gamma):
    logits = np.array([1e4, -1e4, 1e4, -1e4, 30], "float32")
    y = np.array([1, 0, 0, 1, 1], "float32")
    value, grad = entry_gradients(FocalLoss(1.0, gamma, from_logits=True), y, logits)
    tail = np.exp(-30.0) ** (1 + gamma)
    np.testing.assert_allclose(value, [0, 0, 1e4, 1e4, tail], rtol=1e-4, atol=1e-30)
    np.testing.assert_allclose(grad, [0, 0, 1, -1, -(1 + gamma) * tail], rtol=1e-4, atol=1e-14)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_sample_weight_aligns_with_the_leading_axes(axes):
    y, p = random_entries(hard=True, shape=(6, 6, 6))  # equal axes: the last would fit as well
    weight = np.random.default_rng(1).random(y.shape[:axes]).astype("float32")
    expected = focal(*map(np.float64, (y, p)), 0.25, 2.0) * weight.reshape(
        weight.shape + (1,) * (3 - axes)
    )
    np.testing.assert_allclose(float(FocalLoss()(y, p, weight)), expected.mean(), rtol=1e-5)


def test_reduction_none_gives_every_entry_and_sum_their_sum():
    y, p = random_entries(hard=True)
    entries = keras.ops.convert_to_numpy(FocalLoss(reduction=None)(y, p))
    assert entries.shape == y.shape
    np.testing.assert_allclose(float(FocalLoss(reduction="sum")(y, p)), entries.sum(), rtol=1e-5)


@pytest.mark.parametrize("dtype, result", [(None, "float32"), ("bfloat16", "bfloat16")])
def test_bfloat16_predictions_are_computed_in_float32(dtype, result):
    y, p = random_entries(hard=True)
    p = keras.ops.cast(p, "bfloat16")
    entries = FocalLoss(reduction=None, dtype=dtype)(y, p)
    assert keras.backend.standardize_dtype(entries.dtype) == result
    expected = FocalLoss(reduction=None)(y, keras.ops.cast(p, "float32"))
    entries, expected = (
        keras.ops.convert_to_numpy(keras.ops.cast(a, "float32")) for a in (entries, expected)
    )
    np.testing.assert_allclose(entries, expected, rtol=1e-6 if dtype is None else 8e-3)


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=slow if IS_TORCH else ())])
def test_fit_trains_through_saturated_predictions(monkeypatch, jit_compile):
    if jit_compile and IS_TORCH:
        torch = pytest.importorskip("torch")
        # The default back end of torch.compile writes C++, which takes half a minute to compile.
        monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), FocalLoss(), jit_compile=jit_compile)
    x = np.array([[1000, 0, 0], [0, 1, 0], [0, 0, -1000], [1, 1, 1]], "float32")
    y = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]], "int32")
    history = model.fit(x, y, sample_weight=np.arange(4.0), epochs=3, batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_config_gives_back_an_equal_loss():
    loss = FocalLoss(0.5, 1.5, from_logits=True, reduction="sum", name="links", dtype="float64")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is FocalLoss and again.get_config() == loss.get_config()
    assert loss.get_config() == {
        "alpha": 0.5,
        "gamma": 1.5,
        "from_logits": True,
        "reduction": "sum",
        "name": "links",
        "dtype": "float64",
        "positive_weight": 1.0,
        "pairs": None,
    }


@pytest.mark.parametrize("alpha, gamma", VARIANTS)
def test_links_count_as_often_as_asked(alpha, gamma):
    y, p = random_entries(hard=True)
    value, grad = entry_gradients(FocalLoss(alpha, gamma, positive_weight=30.0), y, p)
    weight = np.where(y == 1, 30.0, 1.0)
    y, p = y.astype("float64"), p.astype("float64")
    np.testing.assert_allclose(value, weight * focal(y, p, alpha, gamma), rtol=1e-5, atol=1e-9)
    expected = weight * focal_slope(y, p, alpha, gamma)
    np.testing.assert_allclose(grad, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_a_saturated_link_does_not_pull_harder_than_1e7():
    y, p = np.ones((1, 2), "float32"), np.array([[1e-8, 1e-12]], "float32")
    _, grad = entry_gradients(FocalLoss(1.0, 0.0, positive_weight=100.0), y, p)
    assert 1e6 < np.abs(grad).max() <= 1e7


@pytest.mark.parametrize("pairs", ["undirected", "directed"])
def test_loss_and_scores_count_the_same_pairs(pairs):
    y, p = random_entries(hard=True)
    directed = pairs == "directed"
    y = y if directed else np.maximum(y, y.swapaxes(1, 2))
    expected = metrics.link_scores(y, p, directed)["log-loss"]
    loss = FocalLoss(1.0, 0.0, pairs=pairs)
    np.testing.assert_allclose(float(loss(y, p)), expected, rtol=1e-5)
    number = 4 * (30 if directed else 15)
    total = float(FocalLoss(1.0, 0.0, reduction="sum", pairs=pairs)(y, p))
    np.testing.assert_allclose(total, expected * number, rtol=1e-5)
    only = np.zeros((4, 6, 6))
    only[1, 2, 3] = 1  # a sample weight leaves one pair
    expected = -np.log(p[1, 2, 3] if y[1, 2, 3] else 1 - p[1, 2, 3])
    np.testing.assert_allclose(float(loss(y, p, only)), expected / number, rtol=1e-5)
    logits = np.log(p / (1 - p))
    value = float(FocalLoss(1.0, 0.0, from_logits=True, pairs=pairs)(y, logits))
    np.testing.assert_allclose(value, float(loss(y, p)), rtol=1e-5)


def test_balanced_weight_by_hand():
    assert balanced_weight(10, 990) == 99.0
    assert balanced_weight(10, 990, beta=0.0) == 1.0
    # Each example adds half as much as the one before: 1.875 for four, 1.5 for two.
    assert balanced_weight(2, 4, beta=0.5) == 1.25


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda: FocalLoss(positive_weight=0), "`positive_weight` must be .* positive_weight=0"),
        (lambda: FocalLoss(pairs="upper"), "`pairs` must be one of .* pairs='upper'"),
        (
            lambda: FocalLoss(pairs="directed")(np.ones((2, 3)), np.ones((2, 3))),
            r"`y_pred` must have shape \(batch, nodes, nodes\) .*y_pred.shape=\(2, 3\)",
        ),
        (lambda: balanced_weight(0, 5), "`num_links` must be at least 1. Received: num_links=0"),
        (lambda: balanced_weight(3, 5, beta=1.5), "`beta` must be from 0 to 1. Received: beta=1.5"),
    ],
)
def test_bad_link_arguments_are_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


@pytest.mark.parametrize("alpha", [0, -1.0, float("nan"), float("inf"), "auto"])
def test_bad_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match="`alpha` must be .* Received: alpha="):
        FocalLoss(alpha=alpha)


@pytest.mark.parametrize("gamma", [-0.5, float("nan"), float("inf"), None])
def test_bad_gamma_is_refused(gamma):
    with pytest.raises(ValueError, match="`gamma` must be .* Received: gamma="):
        FocalLoss(gamma=gamma)


@pytest.mark.parametrize("shape", [(4,), (4, 2), (1, 1)])
def test_targets_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="`y_true` must have the shape of `y_pred`"):
        FocalLoss()(np.zeros(shape), np.full((4, 1), 0.5))


@pytest.mark.parametrize("case", ["big", "small", "zero", "justover"])
def test_global_clipnorm_equals_torch_clip_grad_norm(case):
    data = reference_files.load("torch_clip_grad_norm")
    grads = [data[f"{case}_in_{i}"].astype("float32") for i in range(4)]
    variables = [keras.Variable(np.zeros_like(grad)) for grad in grads]
    optimizer = keras.optimizers.SGD(1.0, global_clipnorm=1.0)
    optimizer.apply([keras.ops.convert_to_tensor(grad) for grad in grads], variables)
    for i, variable in enumerate(variables):
        step = -keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(step, data[f"{case}_out64_{i}"], rtol=1e-5, atol=1e-12)
