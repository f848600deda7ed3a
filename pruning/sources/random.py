"""Random numbers and textures that several sources use."""

from __future__ import annotations

import torch
from torch import Tensor


def between(generator: torch.Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Uniform in low..high."""
    return torch.rand(shape, generator=generator, dtype=torch.float32) * (high - low) + low


def normal(generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """Of mean zero and unit deviation."""
    return torch.randn(shape, generator=generator, dtype=torch.float32)


def spectral(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """(count, C, H, W): Gaussian noise with a 1/f^a amplitude, zero mean and unit deviation per channel."""
    channels, height, width = shape
    fy = torch.fft.fftfreq(height, dtype=torch.float32).view(-1, 1)
    fx = torch.fft.rfftfreq(width, dtype=torch.float32).view(1, -1)
    frequency = (fy.square() + fx.square()).sqrt().clamp_min(1 / max(height, width))
    exponent = between(generator, (count, 1, 1, 1), 0.8, 1.8)
    white = torch.fft.rfft2(normal(generator, (count, channels, height, width)))
    return _standardised(torch.fft.irfft2(white * frequency.pow(-exponent), s=(height, width)), (2, 3))


def exposed(image: Tensor, generator: torch.Generator) -> Tensor:
    """Random brightness and contrast, clipped to 0..1."""
    one = (len(image), 1, 1, 1)
    scaled = _standardised(image, (1, 2, 3))
    return (scaled * between(generator, one, 0.12, 0.3) + between(generator, one, 0.3, 0.65)).clamp(0, 1)


def _standardised(image: Tensor, dims: tuple[int, ...]) -> Tensor:
    variance, mean = torch.var_mean(image, dims, correction=0, keepdim=True)
    return (image - mean) / variance.sqrt().clamp_min(1e-6)
