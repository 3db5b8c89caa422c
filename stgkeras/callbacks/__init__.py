"""Callbacks: the learning rate, checkpoints, and TensorBoard logs without TensorFlow."""

from stgkeras.callbacks.checkpoint import Checkpoint
from stgkeras.callbacks.tensorboard import TensorBoardScalars
from stgkeras.callbacks.warm_restarts import WarmRestarts

__all__ = ["Checkpoint", "TensorBoardScalars", "WarmRestarts"]
