"""Measures what an online calibration gains on the test parts of four series.

    KERAS_BACKEND=torch python benchmarks/drift.py --data FOLDER

The forecasters are presets, and GraphSTID with other seeds, as `forecasting.py --rows "GraphSTID,
season, days" --seeds 0 1 2` stored them in runs/forecasting; other seeds are left out. "ST-TTC" has
amplitudes and phases of four bands of frequencies for each sensor, with a step of Adam for each
window that has become known, at the rate with the smallest error on the validation part.
"Calibrated" is `stgkeras.forecasting.OnlineCalibration`. Both begin with the validation windows.
"""

import dataclasses
import pathlib

import command
import numpy as np
import records
from forecasting_data import DATASETS

from stgkeras import Forecaster, models
from stgkeras.forecasting import OnlineCalibration, errors

PRESETS = {
    "pems_d12_orange": ("graph_stid_pems_d12_orange", "mstgcn_pems_d12_orange"),
    "metr_la": ("graph_stid_metr_la", "stgcn_metr_la", "astgcn_metr_la"),
    "pems08_tail": ("graph_stid_pems08", "stgcn_pems08"),
    "los_loop": ("graph_stid_los_loop", "astgcn_los_loop"),
}
OPTIONS = {"data": command.DATA, "names": command.several(PRESETS), "seeds": [0, 1, 2]}
ROW = "GraphSTID, season, days"
SHOWN = ["forecaster", "ST-TTC", "calibrated"]
WEEK = 7 * 288  # steps, which presets read
GROUPS, RATES = 4, (0.0, 1e-4, 3e-4, 1e-3)  # of ST-TTC; the paper has the rate 1e-4


def st_ttc(truth, found, starts, rate):
    """Returns forecasts (W, H, N) calibrated as in the paper, from truth and forecasts."""
    horizon, nodes = truth.shape[1:]
    bins = np.arange(horizon // 2 + 1)
    band = np.minimum(bins // (len(bins) // GROUPS), GROUPS - 1)
    twice = np.where((bins == 0) | (2 * bins == horizon), 1, 2)[:, None]
    state, first, second = np.zeros((3, 2, GROUPS, nodes))  # amplitudes and phases; Adam's moments
    made, known = np.empty(found.shape), 0

    def turned(forecast):
        factor = (1 + state[0][band]) * np.exp(1j * state[1][band])
        return np.fft.rfft(forecast, axis=0) * factor

    for window, start in enumerate(starts):
        while starts[known] + horizon <= start:
            spectrum = turned(found[known])
            rest = np.fft.irfft(spectrum, horizon, axis=0) - truth[known]
            slope = np.fft.rfft(np.nan_to_num(np.sign(rest)), axis=0).conj()  # of the MAE
            each = spectrum * slope * twice / rest.size / horizon
            gradient = np.zeros_like(state)
            np.add.at(gradient[0], band, each.real / (1 + state[0][band]))
            np.add.at(gradient[1], band, -each.imag)
            known += 1
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            size = np.sqrt(second / (1 - 0.999**known)) + 1e-8
            state = state - rate * first / (1 - 0.9**known) / size
        made[window] = np.fft.irfft(turned(found[window]), horizon, axis=0)
    return made


def run(data, forecaster):
    """Returns the test errors of a forecaster with and without calibration."""
    series, (_, val, test) = data.series, data.split
    values = np.concatenate([np.full_like(series.values[:WEEK], np.nan), series.values])
    times = series.timestamps[0] + np.arange(-WEEK, len(series.values)) * np.timedelta64(5, "m")
    series = dataclasses.replace(series, values=values, timestamps=times)
    starts, series = np.arange(val[0], test[-1] + 1), errors.ordered(forecaster.form, series)
    truth, found, _ = OnlineCalibration(forecaster)._followed(series, starts + WEEK, starts[:0])

    def error(forecast, part):
        return float(np.nanmean(np.abs(forecast - truth)[np.isin(starts, part)]))

    flat = truth[..., 0], found["forecaster"][..., 0], starts
    tried = {rate: st_ttc(*flat, rate)[..., None] for rate in RATES}
    found["ST-TTC"] = tried[best := min(RATES, key=lambda rate: error(tried[rate], val))]
    return {name: error(found[name], test) for name in SHOWN} | {"rate of ST-TTC": best}


def main(args):
    runs = {}
    for name in args.names:
        data = DATASETS[name](pathlib.Path(args.data) / name)
        for preset in PRESETS[name]:
            own = models.presets()[preset]["seed"]
            for seed in args.seeds if preset == PRESETS[name][0] else [own]:
                forecaster = Forecaster.load(preset)
                if seed != own:
                    weights = records.run_folder("forecasting", name, ROW, seed) / "best.weights.h5"
                    if not weights.with_name("figures.json").exists():
                        continue
                    forecaster.model.load_weights(weights)
                runs.setdefault(preset, {})[f"seed {seed}"] = run(data, forecaster)
    return {"runs": runs}


def table(result):
    """Returns the mean errors over the seeds, and how much less they are than the forecaster's."""
    frame = records.seed_means(result["runs"], SHOWN)
    for name in SHOWN[1:]:
        frame[f"{name}, %"] = (100 * (frame[name] / frame["forecaster"] - 1)).round(2)
    frame = frame.round(3).astype({"seeds": int})
    return records.markdown_frame(frame, "mean absolute error")


if __name__ == "__main__":
    command.run(__name__)
