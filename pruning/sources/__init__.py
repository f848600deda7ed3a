"""Synthetic images, which stand in for the private data.

Each source is a function (count, shape, generator) -> pixels (count, C, H, W) in 0..1; `SOURCES` names them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..support.seeds import generator
from .leaves import dead_leaves
from .mix import mix
from .noise import gaussian, uniform
from .pink import pink_noise

Source = Callable[[int, tuple[int, int, int], torch.Generator], Tensor]

SOURCES: dict[str, Source] = {
    "mix": mix,
    "leaves": dead_leaves,
    "pink": pink_noise,
    "gaussian": gaussian,
    "uniform": uniform,
}

_CHUNK = 64  # images drawn at a time, with at most _PIXELS together: bounds the memory of large ones
_PIXELS = 2**22


def draw(source: str, count: int, shape: tuple[int, int, int], seed: int, purpose: str) -> Tensor:
    """Pixels, float32 (count, C, H, W), in 0..1 and rounded to 256 steps as in an image file.

    source: a key of SOURCES.  purpose: each purpose gets different images.
    """
    fitting = _PIXELS // (shape[1] * shape[2])
    at_once = _CHUNK if fitting >= _CHUNK else max(3, fitting - fitting % 3)  # the mix has thirds
    chunks = [
        SOURCES[source](min(at_once, count - start), shape, generator(seed, "draw", purpose, start))
        for start in range(0, count, at_once)
    ]
    return (torch.cat(chunks) * 255).round() / 255
