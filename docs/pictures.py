"""Draws the forecast at the top of the README, docs/images/forecast.png.

    python docs/pictures.py --data FOLDER

Trains GraphSTID with quantiles on METR-LA, 29 sensors, with the split of `benchmarks/intervals.py`,
unless runs/picture holds the forecaster already. Draws one sensor on a Tuesday of the test part:
every hour, a forecast of the next hour with its interval, beside the usual day of the sensor.
"""

import argparse
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
sys.path.append(str(ROOT / "benchmarks"))
SENSOR, START, END = "717447", "2012-06-05T05:00", "2012-06-05T21:00"


def main():
    from forecasting_data import DATASETS
    from intervals import LEVELS, SIZES

    import stgkeras

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", required=True, type=pathlib.Path, help="folder of METR-LA")
    options.add_argument("--epochs", type=int, default=4)
    options = options.parse_args()
    series = DATASETS["metr_la"](options.data).series
    val, test = SIZES["metr_la"]
    folder = ROOT / "runs" / "picture"
    if not folder.exists():
        forecaster = stgkeras.Forecaster("GraphSTID", quantiles=LEVELS)
        forecaster.fit(series, val=val, test=test, epochs=options.epochs, verbose=2)
        forecaster.save(folder)
    forecaster = stgkeras.Forecaster.load(folder)
    compared = stgkeras.reports.compare(forecaster, series, test=test)
    print({name: errors["MAE mean"] for name, errors in compared.errors().items()})
    truth = series.values[compared.first[:, None] + np.arange(12)][..., 0]
    low, high = compared.quantiles[..., 0, 0], compared.quantiles[..., 0, -1]
    print("inside:", np.mean(((low <= truth) & (truth <= high))[~np.isnan(truth)]))
    draw(compared).savefig(ROOT / "docs" / "images" / "forecast.png", dpi=110)


def draw(compared):
    """The figure of one sensor and day."""
    import stgkeras

    series, node = compared.series, compared.series.names.index(SENSOR)
    times = series.timestamps[compared.first]
    drawn = (times >= np.datetime64(START)) & (times < np.datetime64(END))
    first = compared.first[drawn]
    ahead = first[:, None] + np.arange(compared.quantiles.shape[1])  # (W, H)
    low, middle, high = np.moveaxis(compared.quantiles[drawn][:, :, node, 0], -1, 0)
    steps = np.arange(first[0], ahead[-1, -1] + 1)
    figure = stgkeras.plots.forecast_fan(
        series.values[ahead, node, 0],
        middle,
        bands={"interval, 90 %": (low, high)},
        times=series.timestamps[steps],
        title=f"METR-LA, sensor {SENSOR}: each hour, the forecast of the next hour",
        units="mph",
    )
    axes, usual = figure.axes[0], compared.forecasts["usual day"][drawn][:, :, node, 0]
    usual = np.append(usual[:, 0], usual[-1, 1:])
    axes.plot(axes.lines[0].get_xdata(), usual, ":", color="0.25", label="usual day")
    axes.set_ylim(0)
    figure.legends[0].remove()
    figure.legend(ncols=4, frameon=False, loc="outside lower center")
    figure.set_size_inches(9, 3.8)
    return figure


if __name__ == "__main__":
    main()
