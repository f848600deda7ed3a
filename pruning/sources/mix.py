"""The default source: a mix with edges and textures, most of what networks look for."""

from __future__ import annotations

import torch
from torch import Tensor

from .leaves import dead_leaves
from .pink import pink_noise


def mix(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Two thirds dead leaves, one third pink noise, shuffled. Pixels (count, C, H, W) in 0..1."""
    noisy = count // 3
    parts = ((dead_leaves, count - noisy), (pink_noise, noisy))
    images = [source(some, shape, generator) for source, some in parts if some]
    return torch.cat(images)[torch.randperm(count, generator=generator)]
