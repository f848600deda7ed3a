"""Dead leaves: shapes that cover one another, with the edges and the spectrum of natural images.

Lee, Mumford & Huang 2001; as training images: Baradad et al., arXiv:2106.05963.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .random import between, exposed, normal, spectral

_LEAVES = 48  # shapes per image; later ones cover earlier ones


def dead_leaves(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Overlapping soft ellipses, boxes and triangles, shaded and textured. Pixels (count, C, H, W), 0..1."""
    channels, height, width = shape
    one = (count, 1, 1, 1)
    texture = spectral(count, shape, generator)
    image = texture * between(generator, one, 0.1, 0.6) + _colour(count, channels, generator)
    rows = torch.linspace(-1, 1, height, dtype=torch.float32).view(1, 1, -1, 1)
    cols = torch.linspace(-1, 1, width, dtype=torch.float32).view(1, 1, 1, -1)
    for _ in range(_LEAVES):
        # A density of sizes of 1/r^3 is scale-invariant: small leaves cover as much area as large ones.
        size = (1 / between(generator, one, 1 / 0.9**2, 1 / 0.12**2)).sqrt()
        aspect = between(generator, one, -0.7, 0.7).exp()
        angle = between(generator, one, 0, 2 * math.pi)
        y, x = (axis - between(generator, one, -1.1, 1.1) for axis in (rows, cols))
        u = (x * angle.cos() + y * angle.sin()) / (size * aspect)
        v = (y * angle.cos() - x * angle.sin()) / (size / aspect)
        box = torch.maximum(u.abs(), v.abs())
        triangle = torch.maximum(-v, v * 0.5 + u.abs() * 0.87) * 1.4
        kind = torch.randint(3, one, generator=generator)
        radius = torch.where(kind == 0, (u * u + v * v).sqrt(), torch.where(kind == 1, box, triangle))
        softness = between(generator, one, 0.5, 2.5) / (size * min(height, width) / 2)
        cover = ((1 - radius) / softness + 0.5).clamp(0, 1)
        shade = between(generator, one, -0.6, 0.6) * u + between(generator, one, -0.6, 0.6) * v
        grain = between(generator, one, 0, 0.4) * torch.roll(texture, 7, dims=-1)
        image = torch.lerp(image, _colour(count, channels, generator) + shade.clamp(-1, 1) + grain, cover)
    return exposed(image, generator)


def _colour(count: int, channels: int, generator: torch.Generator) -> Tensor:
    """(count, C, 1, 1): brightness plus a weaker hue."""
    brightness = normal(generator, (count, 1, 1, 1))
    return brightness + 0.45 * normal(generator, (count, channels, 1, 1))
