"""Images made from nothing: the stand-ins for the data that nobody may see.

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

_CHUNK = 64  # images drawn at a time, of up to _PIXELS together: bounds the memory at large sizes
_PIXELS = 2**22


def draw(source: str, count: int, shape: tuple[int, int, int], seed: int, purpose: str) -> Tensor:
    """float32 (count, C, H, W) in 0..1, in the 256 steps of a file's pixels.

    source: a key of SOURCES.  purpose: other ones give other images.
    """
    fitting = _PIXELS // (shape[1] * shape[2])
    at_once = _CHUNK if fitting >= _CHUNK else max(3, fitting - fitting % 3)  # the mix is of thirds
    chunks = [
        SOURCES[source](min(at_once, count - start), shape, generator(seed, "draw", purpose, start))
        for start in range(0, count, at_once)
    ]
    return (torch.cat(chunks) * 255).round() / 255
