"""Losses and metrics with and without quantiles, and models that they do not fit."""

import keras
import numpy as np
import pytest

from stgkeras import graphs, losses, metrics, models


def test_losses_that_do_not_fit_a_model():
    graph = graphs.scaled_laplacian(np.ones((4, 4)) - np.eye(4))
    model = models.GraphSTID(4, graph=graph, quantiles=(0.1, 0.9))
    wrong = ["mae", keras.losses.mean_absolute_error, losses.MaskedMeanAbsoluteError()]
    for loss in (*wrong, losses.QuantileLoss((0.2, 0.9))):
        with pytest.raises(ValueError, match=r"`loss` must have the quantiles of the model, \(0.1"):
            model.compile("adam", loss)
    model.compile("adam", lambda y, q: keras.ops.mean(q))  # of the user
    model.compile("adam", losses.QuantileLoss([0.1, 0.9]))
    with pytest.raises(ValueError, match=r"model, None.*QuantileLoss.*Create the model with"):
        models.GraphSTID(4, graph=graph).compile("adam", losses.QuantileLoss((0.1, 0.9)))


def test_metrics_that_do_not_fit_a_model():
    graph, levels = -np.eye(4)[::-1], (0.1, 0.9)
    model = models.GraphSTID(4, graph=graph, quantiles=levels)
    loss = losses.QuantileLoss(levels)
    wrong = ["mae", keras.metrics.MeanAbsoluteError(), metrics.MaskedMeanAbsoluteError()]
    for metric in (*wrong, metrics.QuantileCRPS((0.2, 0.9))):
        for name in ("metrics", "weighted_metrics"):
            message = r"`metrics` must have the quantiles of the model, \(0.1.* `metrics.QuantileC"
            with pytest.raises(ValueError, match=message):
                model.compile("adam", loss, **{name: [metric]})

    def width(y, q):  # of the user
        return q[..., 1] - q[..., 0]

    own = keras.metrics.MeanMetricWrapper(width, name="width")
    model.compile("adam", loss, metrics=[width, own, metrics.QuantileCRPS(levels)])
    point = models.GraphSTID(4, graph=graph)
    point.compile("adam", "mae", metrics=["mse", metrics.MaskedMeanAbsoluteError()])
    with pytest.raises(ValueError, match=r"model, None.*or use `metrics.MaskedMeanAbsoluteError`"):
        point.compile("adam", "mae", metrics=[metrics.QuantileCRPS(levels)])


@pytest.mark.parametrize(
    ("call", "other"),
    [
        (losses.MaskedMeanAbsoluteError(), "losses.QuantileLoss"),
        (losses.MaskedMeanSquaredError(reduction=None), "losses.QuantileLoss"),
        (losses.MaskedHuber(), "losses.QuantileLoss"),
        (metrics.MaskedMeanAbsoluteError(), "metrics.QuantileCRPS"),
        (metrics.MaskedRootMeanSquaredError(), "metrics.QuantileCRPS"),
        (metrics.MaskedMeanAbsolutePercentageError(step=1), "metrics.QuantileCRPS"),
        (lambda y, q: metrics.forecast_errors(y, q, {}), "metrics.quantile_scores"),
    ],
)
@pytest.mark.parametrize("shape", [(3, 3, 3, 3), (4, 3, 2, 1)])  # the first could be broadcast
def test_point_losses_and_metrics_say_what_takes_quantiles(call, other, shape):
    truth = np.ones(shape, "float32")
    name = "forecast" if other == "metrics.quantile_scores" else "y_pred"
    with pytest.raises(ValueError, match=f"use `{other}`, or pass the median, `{name}\\[..., quan"):
        call(truth, np.ones((*shape, 3), "float32"))
    with pytest.raises(ValueError, match="shape") as error:  # no quantiles
        call(truth, np.ones((shape[0], 7, *shape[2:], 3), "float32"))
    assert "quantiles" not in str(error.value)
