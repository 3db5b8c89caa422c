"""A small model, its training, and callbacks that watch or stop it."""

import keras
import numpy as np

STEPS = 7


def make_model(optimizer=None, **compile_arguments):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer or keras.optimizers.Adam(1e-3), "mse", **compile_arguments)
    return model


def fit(model, callbacks=(), epochs=8, initial_epoch=0, **arguments):
    x = np.random.default_rng(0).normal(size=(2 * STEPS, 2)).astype("float32")
    arguments = {"batch_size": 2, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(
        x,
        x.sum(axis=1, keepdims=True),
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=list(callbacks),
        **arguments,
    ).history


class RecordRates(keras.callbacks.Callback):
    """The optimizer's rate right after each step, as {(epoch, batch): rate}."""

    def __init__(self):
        super().__init__()
        self.rates = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        self.rates[self.epoch, batch] = float(rate)


class Fail(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.now == self.at and batch == 3:
            raise InterruptedError("the machine is gone")
