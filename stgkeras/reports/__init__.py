"""Reports on forecasts: errors beside baselines, figures, and an HTML page that works offline."""

from __future__ import annotations

from stgkeras.reports.baselines import baselines
from stgkeras.reports.comparison import Comparison
from stgkeras.reports.forecasters import compare, graph_of
from stgkeras.reports.page import write_page
from stgkeras.reports.pictures import attention, pictures
from stgkeras.reports.windows import model_windows

__all__ = [
    "Comparison",
    "attention",
    "baselines",
    "compare",
    "graph_of",
    "model_windows",
    "pictures",
    "write_page",
]
