"""Pattern pruning of convolutional networks without data."""

from __future__ import annotations

from .config import PruneConfig
from .masks import Masks
from .pipeline import PruneResult, prune
from .report import LayerReport, PruneReport

__all__ = ["LayerReport", "Masks", "PruneConfig", "PruneReport", "PruneResult", "prune"]
