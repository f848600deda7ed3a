"""Pink noise: the spectrum of natural images, without their edges."""

from __future__ import annotations

import torch
from torch import Tensor

from .random import between, exposed, spectral


def pink_noise(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Noise of amplitude 1/f^a, mostly common to the channels. Pixels (count, C, H, W) in 0..1."""
    common, chroma = spectral(count, (1, *shape[1:]), generator), spectral(count, shape, generator)
    share = between(generator, (count, 1, 1, 1), 0.1, 0.7)
    return exposed((1 - share) * common + share * chroma, generator)
