"""Images drawn from no data at all, and their refinement towards what the BatchNorms remember.

Dead leaves (Lee, Mumford & Huang 2001; as training images: Baradad et al., arXiv:2106.05963) and pink noise
have the edges and the spectrum of natural images; i.i.d. noise has neither, and least squares on it fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import PruneConfig
from .graph import BatchNorm, remembered
from .statistics import feature_moments

_LEAVES = 48  # shapes an image; the last ones cover the first
_DRAW = 64  # images drawn at a time: bounds the memory at large sizes
_BATCH = 128  # images refined at a time: enough to estimate a channel's variance
_REFINE_RATE = 0.05  # Adam's, in normalised pixels


def draw(config: PruneConfig, count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """float32 (count, C, H, W), normalised, from the source the config names."""
    if config.source == "uniform":
        pixels = torch.rand(count, *shape, generator=generator)
    else:
        leaves = count - count // 3
        parts = [
            source(min(_DRAW, total - start), shape, generator)
            for source, total in ((dead_leaves, leaves), (pink_noise, count - leaves))
            for start in range(0, total, _DRAW)
        ]
        pixels = torch.cat(parts)[torch.randperm(count, generator=generator)]
    mean, std = _normalisation(config)
    return ((pixels * 255).round() / 255 - mean) / std


def pink_noise(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Noise of amplitude 1/f^a, mostly common to the channels. Pixels (count, C, H, W) in 0..1."""
    common, chroma = _spectral(count, (1, *shape[1:]), generator), _spectral(count, shape, generator)
    share = _uniform(generator, (count, 1, 1, 1), 0.1, 0.7)
    return _exposed((1 - share) * common + share * chroma, generator)


def dead_leaves(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Overlapping soft ellipses, boxes and triangles, shaded and textured. Pixels (count, C, H, W), 0..1."""
    channels, height, width = shape
    one = (count, 1, 1, 1)
    texture = _spectral(count, shape, generator)
    image = texture * _uniform(generator, one, 0.1, 0.6) + _colour(count, channels, generator)
    rows = torch.linspace(-1, 1, height).view(1, 1, -1, 1)
    cols = torch.linspace(-1, 1, width).view(1, 1, 1, -1)
    for _ in range(_LEAVES):
        # A size density of 1/r^3 is the scale-invariant one: as much area in small leaves as in large ones.
        size = (1 / _uniform(generator, one, 1 / 0.9**2, 1 / 0.12**2)).sqrt()
        aspect = _uniform(generator, one, -0.7, 0.7).exp()
        angle = _uniform(generator, one, 0, 2 * math.pi)
        y, x = (axis - _uniform(generator, one, -1.1, 1.1) for axis in (rows, cols))
        u = (x * angle.cos() + y * angle.sin()) / (size * aspect)
        v = (y * angle.cos() - x * angle.sin()) / (size / aspect)
        box = torch.maximum(u.abs(), v.abs())
        triangle = torch.maximum(-v, v * 0.5 + u.abs() * 0.87) * 1.4
        kind = torch.randint(3, one, generator=generator)
        radius = torch.where(kind == 0, (u * u + v * v).sqrt(), torch.where(kind == 1, box, triangle))
        softness = _uniform(generator, one, 0.5, 2.5) / (size * min(height, width) / 2)
        cover = ((1 - radius) / softness + 0.5).clamp(0, 1)
        shade = _uniform(generator, one, -0.6, 0.6) * u + _uniform(generator, one, -0.6, 0.6) * v
        grain = _uniform(generator, one, 0, 0.4) * torch.roll(texture, 7, dims=-1)
        image = torch.lerp(image, _colour(count, channels, generator) + shade.clamp(-1, 1) + grain, cover)
    return _exposed(image, generator)


@torch.enable_grad()
def refine(
    model: nn.Module,
    norms: list[BatchNorm],
    images: Tensor,
    config: PruneConfig,
    generator: torch.Generator,
    advance: Callable[[float], None],
) -> Tensor:
    """Moves the images, by Adam, until the inputs of `norms` have the statistics these remember.

    After Yin et al. (DeepInversion, arXiv:1912.08795): mean and deviation of every norm's input,
    a label chosen at random for classifiers, and total variation, under random shifts and flips.
    images: (N, C, H, W), normalised; returns as many. advance: told the fraction done.
    """
    mean, std = (value.to(images.device) for value in _normalisation(config))
    low, high = (0 - mean) / std, (1 - mean) / std
    refined = []
    batches = images.split(_BATCH)
    for done, batch in enumerate(batches):
        batch = batch.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([batch], lr=_REFINE_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.refine_steps)
        labels = None
        for step in range(config.refine_steps):
            shift = torch.randint(-2, 3, (2,), generator=generator).tolist()
            x = torch.roll(batch, shift, dims=(2, 3))
            x = x.flip(3) if torch.rand((), generator=generator) < 0.5 else x
            with feature_moments(norms) as moments:
                output = model(x)
            loss = torch.stack([_mismatch(norm, *moments[norm]) for norm in norms]).mean()
            if isinstance(output, Tensor) and output.ndim == 2:
                if labels is None:
                    labels = torch.randint(output.shape[1], (len(batch),), generator=generator).to(x.device)
                loss = loss + 0.1 * F.cross_entropy(output, labels)
            loss = loss + 0.002 * (x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                batch.clamp_(low, high)
            advance((done + (step + 1) / config.refine_steps) / len(batches))
        refined.append(batch.detach())
    return torch.cat(refined)


def _mismatch(norm: BatchNorm, mean: Tensor, variance: Tensor) -> Tensor:
    centre, deviation = remembered(norm)
    shift = (mean - centre) / deviation
    return (shift.square() + ((variance + norm.eps).sqrt() / deviation - 1).square()).mean()


def _normalisation(config: PruneConfig) -> tuple[Tensor, Tensor]:
    return torch.tensor(config.mean).view(1, -1, 1, 1), torch.tensor(config.std).view(1, -1, 1, 1)


def _uniform(generator: torch.Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low


def _colour(count: int, channels: int, generator: torch.Generator) -> Tensor:
    """(count, C, 1, 1): brightness plus a weaker hue."""
    brightness = torch.randn(count, 1, 1, 1, generator=generator)
    return brightness + 0.45 * torch.randn(count, channels, 1, 1, generator=generator)


def _spectral(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Gaussian noise with a 1/f^a amplitude, zero mean and unit deviation per channel."""
    channels, height, width = shape
    fy, fx = torch.fft.fftfreq(height).view(-1, 1), torch.fft.rfftfreq(width).view(1, -1)
    frequency = (fy.square() + fx.square()).sqrt().clamp_min(1 / max(height, width))
    exponent = _uniform(generator, (count, 1, 1, 1), 0.8, 1.8)
    white = torch.fft.rfft2(torch.randn(count, channels, height, width, generator=generator))
    noise = torch.fft.irfft2(white * frequency.pow(-exponent), s=(height, width))
    return (noise - noise.mean((2, 3), keepdim=True)) / noise.std((2, 3), keepdim=True).clamp_min(1e-6)


def _exposed(image: Tensor, generator: torch.Generator) -> Tensor:
    """Random brightness and contrast, clipped to 0..1."""
    one = (len(image), 1, 1, 1)
    centred = image - image.mean((1, 2, 3), keepdim=True)
    scaled = centred / image.std((1, 2, 3), keepdim=True).clamp_min(1e-6)
    return (scaled * _uniform(generator, one, 0.12, 0.3) + _uniform(generator, one, 0.3, 0.65)).clamp(0, 1)
