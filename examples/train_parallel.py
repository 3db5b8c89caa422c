"""Trains GraphSTID on PyTorch in several processes. Each computes its part of every batch.

torchrun --standalone --nproc-per-node 2 examples/train_parallel.py 5    for 5 epochs

Keras cannot do this on PyTorch. On JAX and TensorFlow, use stgkeras.parallel and `fit`.
"""

import sys

import demo_roads
import keras
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from stgkeras import datasets, forecasting, losses, models, parallel

LOSS, REACH = losses.MaskedMeanAbsoluteError(), {"input_length": 12, "horizon": 12}


def mean_loss(model, windows, optimizer=None):
    """Trains on the windows if there is an optimizer. Returns the mean over all readings."""
    total = torch.zeros(2)
    for x, y in windows:
        with torch.set_grad_enabled(optimizer is not None):
            forecast = model(torch.from_numpy(x), training=optimizer is not None)
            entries, counted = LOSS.pooled(torch.from_numpy(y), forecast)
        distributed.all_reduce(sums := torch.stack([entries.sum().detach(), counted.sum()]))
        if optimizer is not None:
            optimizer.zero_grad()  # DistributedDataParallel averages over the processes
            (entries.sum() * distributed.get_world_size() / sums[1]).backward()
            optimizer.step()
        total += sums
    windows.on_epoch_end()
    return float(total[0] / total[1])


def main(epochs):
    distributed.init_process_group("gloo")
    keras.utils.set_random_seed(0)
    series = demo_roads.load()
    split = datasets.split_windows(len(series.values), **REACH)
    own = forecasting.series_arguments("GraphSTID", series) | REACH
    model = models.GraphSTID(len(series.names), normalize=True, dropout=0.0, **own)
    model.adapt(series.values[: split.train[-1] + 12])
    options = {"batch_size": 64, "missing": True, "last": "fill", **REACH}  # 64 of all processes
    train = datasets.Windows(series.values, series.values, split.train, shuffle=True, **options)
    validation = datasets.Windows(series.values, series.values, split.val, **options)
    shared, optimizer = DistributedDataParallel(model), torch.optim.Adam(model.parameters(), 1e-3)
    for epoch in range(epochs):
        error, unseen = mean_loss(shared, train, optimizer), mean_loss(model, validation)
        if parallel.is_first():
            print(f"Epoch {epoch + 1}: MAE {error:.6f} in training, MAE {unseen:.6f} in validation")
            model.save("parallel.keras")
    distributed.barrier()  # without it, PyTorch 2.13 may wait here for its own thread
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
