"""The optimizer that notes the gradients' norm, against NumPy."""

import keras
import numpy as np
import pytest
from training_runs import STEPS, fit, make_model

from stgkeras.callbacks import GradientNorm


def linear_regression(kernel, bias, x, y, steps, rate, clip=np.inf):
    """Norms of the gradients of the mean squared error, and the weights after gradient descent."""
    norms = []
    for step in range(steps):
        rows = slice(2 * step % len(x), 2 * step % len(x) + 2)  # batches of 2, in order
        error = x[rows] @ kernel + bias - y[rows]
        gradients = x[rows].T @ error, error.sum(axis=0)  # of Σ error² / 2, that is, of the mean
        norms.append(np.sqrt(sum((g**2).sum() for g in gradients)))
        scale = rate * min(1.0, clip / norms[-1])
        kernel, bias = kernel - scale * gradients[0], bias - scale * gradients[1]
    return np.array(norms), kernel, bias


class Means(keras.callbacks.Callback):
    """The mean norm of every epoch."""

    def on_train_begin(self, logs=None):
        self.means = []

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.reset_norm()

    def on_epoch_end(self, epoch, logs=None):
        self.means.append(self.model.optimizer.mean_norm())


@pytest.mark.parametrize("clip", [None, 0.5])
def test_norms_and_weights_are_those_of_numpy(clip):
    inner = keras.optimizers.SGD(0.1, global_clipnorm=clip)
    model, means = make_model(GradientNorm(inner)), Means()
    start = model.get_weights()
    fit(model, [means], epochs=3)
    x = np.random.default_rng(0).normal(size=(2 * STEPS, 2)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    norms, kernel, bias = linear_regression(*start, x, y, 3 * STEPS, 0.1, clip or np.inf)
    # Before clipping: the clipped ones are at most 0.5.
    np.testing.assert_allclose(means.means, norms.reshape(3, STEPS).mean(axis=1), rtol=1e-4)
    assert means.means[0] > 0.5
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-4, atol=1e-6)


def test_loss_scale_is_taken_out():
    means = {}
    for scale in (None, 128.0):
        means[scale] = Means()
        inner = keras.optimizers.SGD(0.1, loss_scale_factor=scale)
        fit(make_model(GradientNorm(inner)), [means[scale]], epochs=1)
    assert means[128.0].means == pytest.approx(means[None].means, rel=1e-5)


def test_no_step_is_no_number():
    assert np.isnan(GradientNorm(keras.optimizers.SGD()).mean_norm())


def test_a_saved_model_trains_on_as_if_it_had_not_stopped(tmp_path):
    whole = make_model(GradientNorm(keras.optimizers.Adam(0.01)))
    fit(whole, epochs=4)
    plain = make_model(keras.optimizers.Adam(0.01))
    fit(plain, epochs=4)
    model = make_model(GradientNorm(keras.optimizers.Adam(0.01)))
    fit(model, epochs=2)
    model.save(tmp_path / "model.keras")
    # What `stgkeras.models` do by themselves: the class that torch saves is private to Keras.
    names = {"Adam": keras.optimizers.Adam}
    model = keras.models.load_model(tmp_path / "model.keras", custom_objects=names)
    assert int(model.optimizer.iterations) == 2 * STEPS
    means = Means()
    fit(model, [means], epochs=4, initial_epoch=2)
    for a, b, c in zip(*(m.get_weights() for m in (whole, plain, model)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    assert len(means.means) == 2 and min(means.means) > 0


def test_the_learning_rate_is_that_of_the_inner_optimizer():
    inner = keras.optimizers.SGD(0.5)
    optimizer = GradientNorm(inner)
    optimizer.learning_rate = 0.25
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.25


def test_what_is_no_optimizer():
    with pytest.raises(ValueError, match="must be a Keras optimizer. Received: .*'adam'"):
        GradientNorm("adam")
