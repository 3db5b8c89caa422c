"""Histograms, images and text for TensorBoard, read back with its own reader."""

import io

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from tensorboard_logs import read, scalars, tensors
from training_runs import fit, make_model

from stgkeras.callbacks import TensorBoard


def wide_model():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(50, name="wide"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


class Watch(keras.callbacks.Callback):
    """The weights after every epoch, {path: [array, …]}."""

    def on_train_begin(self, logs=None):
        self.weights = {weight.path: [] for weight in self.model.trainable_weights}

    def on_epoch_end(self, epoch, logs=None):
        for weight in self.model.trainable_weights:
            self.weights[weight.path].append(keras.ops.convert_to_numpy(weight).copy())


def test_histograms_count_the_weights(tmp_path):
    model, watch = wide_model(), Watch()
    fit(model, [TensorBoard(tmp_path, every=2), watch], epochs=4)
    reader = read(tmp_path / "train")
    assert set(reader.Tags()["tensors"]) == set(watch.weights)
    assert sum(path.endswith("wide/kernel") for path in watch.weights) == 1
    for path, weights in watch.weights.items():
        histograms = tensors(reader, path)
        assert list(histograms) == [0, 2, 3]  # every second, and the last
        for step, (left, right, counts) in ((s, h.T) for s, h in histograms.items()):
            values = weights[step].ravel().astype("float64")
            assert (left[0], right[-1]) == pytest.approx((values.min(), values.max()))
            if len(values) > 1:
                expected, edges = np.histogram(values, bins=30)
                np.testing.assert_allclose(left, edges[:-1])
                # A value on an edge may be told to lie on either side.
                assert abs(np.cumsum(counts) - np.cumsum(expected)).max() <= 1
            assert counts.sum() == len(values)


def test_a_run_that_diverged_goes_on_to_write(tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel, *others = self.model.get_weights()
            kernel[0, 0] = [np.nan, np.inf][epoch]
            self.model.set_weights([kernel, *others])

    fit(wide_model(), [Spoil(), TensorBoard(tmp_path, every=1)], epochs=2)
    reader = read(tmp_path / "train")
    tag = next(tag for tag in reader.Tags()["tensors"] if tag.endswith("wide/kernel"))
    counts = {step: histogram[:, 2].sum() for step, histogram in tensors(reader, tag).items()}
    assert counts == {0: 99, 1: 0}  # of 100 weights; the second epoch spoils them all
    assert np.isnan(scalars(reader)["epoch_loss"][1])


def test_images_are_those_drawn(tmp_path):
    ramp = np.linspace(0, 1, 6).reshape(2, 3)
    colours = np.random.default_rng(0).uniform(size=(4, 5, 3))
    seen = []

    def images(model):
        seen.append(model)
        figure = Figure(figsize=(3, 2), dpi=50)
        figure.patch.set_facecolor("red")
        return {"ramp": ramp, "in/colours": colours, "figure": figure}

    model = make_model()
    fit(model, [TensorBoard(tmp_path, every=3, images=images)], epochs=5)
    assert seen == [model] * 3
    reader = read(tmp_path)
    found = {tag: reader.Images(tag) for tag in reader.Tags()["images"]}
    assert set(found) == {"ramp", "in/colours", "figure"}
    assert [image.step for image in found["ramp"]] == [0, 3, 4]
    shapes = {"ramp": (2, 3), "in/colours": (4, 5), "figure": (100, 150)}
    pixels = {}
    for name, (image, *_) in found.items():
        assert (image.height, image.width) == shapes[name]
        pixels[name] = imread(io.BytesIO(image.encoded_image_string), format="png")[..., :3]
    np.testing.assert_allclose(pixels["ramp"], np.repeat(ramp[..., None], 3, -1), atol=1 / 255)
    np.testing.assert_allclose(pixels["in/colours"], colours, atol=1 / 255)
    assert (pixels["figure"] == [1, 0, 0]).all()


def test_the_text_is_the_graph_of_the_model(tmp_path):
    x = keras.Input((2,), name="x")
    branch = keras.layers.Dense(3, name="branch")(x)
    joined = keras.layers.Concatenate(name="joined")([x, branch])
    model = keras.Model(x, keras.layers.Dense(1, name="output")(joined))
    model.compile("sgd", "mse")
    fit(model, [TensorBoard(tmp_path)], epochs=1)
    (text,) = tensors(read(tmp_path), "model").values()
    rows = [line.strip("| ").split(" | ") for line in text.item().decode().splitlines()]
    assert rows[0] == ["layer", "type", "output", "parameters", "from"]
    assert rows[2][:4] == ["x", "InputLayer", "(None, 2)", "0"]
    assert rows[3:6] == [
        ["branch", "Dense", "(None, 3)", "9", "x"],
        ["joined", "Concatenate", "(None, 5)", "0", "x, branch"],
        ["output", "Dense", "(None, 1)", "6", "joined"],
    ]
    assert "15 trainable parameters" in rows[-1][0]


def test_a_model_that_is_not_functional(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(1, name="inner")

        def call(self, x):
            return self.inner(x)

    model = Own()
    model.compile("sgd", "mse")
    fit(model, [TensorBoard(tmp_path)], epochs=1)
    (text,) = tensors(read(tmp_path), "model").values()
    assert "| inner | Dense |" in text.item().decode()
    assert "3 trainable parameters" in text.item().decode()


def test_images_that_are_no_dict(tmp_path):
    board = TensorBoard(tmp_path, images=lambda model: [np.zeros((2, 2))])
    with pytest.raises(ValueError, match="must return a dict of name .* Received: list"):
        fit(make_model(), [board], epochs=1)
