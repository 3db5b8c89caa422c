"""Callbacks for the learning rate, checkpoints, link scores and TensorBoard logs."""

from __future__ import annotations

from stgkeras.callbacks.checkpoint import Checkpoint
from stgkeras.callbacks.gradient_norm import GradientNorm
from stgkeras.callbacks.link_scores import LinkScores
from stgkeras.callbacks.tensorboard import TensorBoard
from stgkeras.callbacks.warm_restarts import WarmRestarts

__all__ = ["Checkpoint", "GradientNorm", "LinkScores", "TensorBoard", "WarmRestarts"]

from stgkeras import _registered  # noqa: E402, F401, I001 - last: it imports this part
