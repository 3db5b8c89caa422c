"""TensorBoard itself, started on the logs of a training and looked at in a browser."""

import re
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from browser import open_browser
from conftest import ON_FASTEST
from matplotlib.figure import Figure

from stgkeras.callbacks import GradientNorm, TensorBoard, WarmRestarts

pytestmark = pytest.mark.skipif(not ON_FASTEST, reason="the logs are alike on each backend")
EPOCHS = 4
RAMP = np.linspace(0, 1, 6).reshape(2, 3)
TIMEOUT = 60_000  # milliseconds; the machine may be busy
PIXELS = """async image => {
    await image.decode()
    const [width, height] = [image.naturalWidth, image.naturalHeight]
    const canvas = Object.assign(document.createElement("canvas"), {width, height})
    const context = canvas.getContext("2d")
    context.drawImage(image, 0, 0)
    return [...context.getImageData(0, 0, width, height).data]
}"""


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def run(browser, tmp_path_factory):
    """A training: its folder of logs, its model, and the last figures that it told."""

    def images(model):
        (figure := Figure(figsize=(4, 3), dpi=50)).subplots().plot([1, 2])
        return {"ramp": RAMP, "line": figure}

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(50, name="wide"), keras.layers.Dense(1, name="narrow")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(GradientNorm(keras.optimizers.SGD(0.01)), "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    folder, hparams = tmp_path_factory.mktemp("logs"), {"units": 50, "note": "small"}
    board = TensorBoard(folder, every=2, images=images, hparams=hparams)
    history = model.fit(
        x,
        x.sum(axis=1, keepdims=True),
        validation_split=0.25,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[WarmRestarts(T_0=2), board],
    ).history
    last = {name: values[-1] for name, values in history.items()}
    last["gradient_norm"] = model.optimizer.mean_norm()
    return types.SimpleNamespace(folder=folder, model=model, last=last)


@pytest.fixture(scope="module")
def address(run):
    command = [sys.executable, "-m", "tensorboard.main", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        [*command, "--logdir", run.folder], stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            found = (re.search(r"http://127\.0\.0\.1:\d+/", line) for line in server.stderr)
            yield next(filter(None, found)).group()
        finally:
            server.terminate()


@pytest.fixture
def show(browser, address):
    """A function that opens a dashboard in a new page, and returns it once a text is there."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        context.set_default_timeout(TIMEOUT)

        def show(dashboard, text):
            page = context.new_page()
            page.goto(f"{address}#{dashboard}")
            page.get_by_text(text, exact=True).first.wait_for()
            return page

        yield show


@pytest.mark.parametrize("name", ["loss", "mae", "learning_rate", "gradient_norm"])
def test_scalars(name, show, run):
    tag = f"epoch_{name}"
    page = show(f"scalars&tagFilter={tag}&_smoothingWeight=0", tag)
    page.get_by_text("Ignore outliers in chart scaling").click()  # else some points are out of view
    box = page.locator("tf-line-chart-data-loader").first.bounding_box()
    row = page.locator("tbody tr").filter(has_text="train").filter(visible=True).first
    for attempt in range(100):  # to hover over the last point, once the chart is drawn
        if row.count():
            break
        share = 0.86 + 0.02 * (attempt % 2)
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
        page.wait_for_timeout(200)
    name_, _, value, step = row.locator("td").all_inner_texts()[1:5]  # … name, smoothed, …
    assert (name_, step) == ("train", str(EPOCHS - 1))
    assert float(value) == pytest.approx(run.last[name], rel=1e-3)


def test_images(show):
    page = show("images", "ramp")
    for name, (height, width) in {"ramp": RAMP.shape, "line": (150, 200)}.items():
        loader = page.locator("tf-image-loader").filter(has_text=f"tag: {name}")
        loader.get_by_text(f"step {EPOCHS - 1}").wait_for()
        shown = np.array(loader.locator("img").evaluate(PIXELS)).reshape(height, width, 4)
        if name == "ramp":
            np.testing.assert_allclose(shown[..., 0] / 255, RAMP, atol=1 / 255)
            assert (shown[..., 0] == shown[..., 2]).all()
        else:
            assert (shown[0, 0] == 255).all() and shown.min() < 255  # white paper, and a line


def test_histograms(show, run):
    path = run.model.get_layer("wide").kernel.path
    page = show("histograms&tagFilter=wide/kernel", path)
    card = page.locator("tf-histogram-loader").filter(has_text=f"tag: {path}").first
    shown = card.locator("vz-histogram-timeseries").evaluate("chart => chart._data")
    assert [histogram["step"] for histogram in shown] == [0, 2, 3]
    kernel, bins = run.model.get_layer("wide").get_weights()[0], shown[-1]["bins"]
    assert sum(part["y"] for part in bins) == pytest.approx(kernel.size)
    # The page draws all steps on the bins of one range.
    ends = bins[0]["x"], bins[-1]["x"] + bins[-1]["dx"]
    assert ends == pytest.approx((kernel.min(), kernel.max()), rel=0.05)
    mean = sum(part["y"] * (part["x"] + part["dx"] / 2) for part in bins) / kernel.size
    assert mean == pytest.approx(kernel.mean(), abs=bins[0]["dx"] / 2)


def test_hyperparameters(show, run):
    cells = show("hparams", "final/val_loss").locator("vaadin-grid-cell-content")
    cells.filter(has_text="small").first.wait_for()
    texts = [text.strip() for text in cells.all_inner_texts()]
    # The heads of the columns, then one row; a box to tick stands for "Show Metrics".
    heads = texts[: texts.index("")]
    row = dict(zip(heads[2:], list(filter(None, texts[len(heads) :]))[1:], strict=True))
    assert row.pop("note") == "small"
    expected = {"units": 50}
    for name in ("loss", "mae", "val_loss", "val_mae"):
        expected[f"final/{name}"] = run.last[name]
    assert {name: float(text) for name, text in row.items()} == pytest.approx(expected, rel=1e-4)


def test_text(show):
    page = show("text", "wide")
    rows = page.locator("tf-text-loader tr").all()
    assert [row.locator("td, th").all_inner_texts() for row in rows] == [
        ["layer", "type", "output", "parameters", "from"],
        ["wide", "Dense", "(None, 50)", "200", "input"],
        ["narrow", "Dense", "(None, 1)", "51", "wide"],
    ]
