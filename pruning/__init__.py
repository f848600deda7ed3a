"""Pattern pruning of convolutional networks without data."""

from __future__ import annotations

from patternlite.errors import require_packages

require_packages("convert", "torch", "safetensors")  # which the modules below import

from .certificate import Certificate, certify
from .config import PruneConfig
from .fidelity import Fidelity
from .masks import Masks
from .pipeline import PruneResult, prune
from .report import LayerReport, PruneReport

__all__ = [
    "Certificate",
    "Fidelity",
    "LayerReport",
    "Masks",
    "PruneConfig",
    "PruneReport",
    "PruneResult",
    "certify",
    "prune",
]
