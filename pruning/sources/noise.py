"""Independent pixels. Least squares on them fails: no edges, and a spectrum like nothing natural."""

from __future__ import annotations

import torch
from torch import Tensor

from .random import between, normal


def uniform(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Every value as likely as any other: the images of arXiv:2003.06513."""
    return between(generator, (count, *shape), 0.0, 1.0)


def gaussian(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Mean 1/2 and deviation 1/4, about those of photographs; clipped to 0..1."""
    return (normal(generator, (count, *shape)) / 4 + 0.5).clamp(0, 1)
