"""Scores, new ties and figures of a trained link predictor."""

from __future__ import annotations

from stgkeras.links.figures import figures
from stgkeras.links.new_ties import new_ties
from stgkeras.links.report import report
from stgkeras.links.scores import evaluate

__all__ = ["evaluate", "figures", "new_ties", "report"]
