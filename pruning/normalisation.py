"""From pixels to what a model takes: the mean and deviation of each channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

_UNIT = 0.25  # about the standard deviation of a photograph's pixels, 0..1; the unit of refinement's steps


@dataclass(frozen=True)
class Normalisation:
    """(pixel - mean) / std per channel, for pixels in 0..1: the inputs that a model takes."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Tensor) -> Tensor:
        mean, std = self._of(pixels)
        return (pixels - mean) / std

    def limits(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """The values of black and of white, (1, C, 1, 1) each."""
        mean, std = self._of(like)
        return -mean / std, (1 - mean) / std

    def unit(self, like: Tensor) -> Tensor:
        """The value of a difference of one unit, (1, C, 1, 1)."""
        return _UNIT / self._of(like)[1]

    def _of(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (like.new_tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return mean, std


def by_channel(name: str, values: Any) -> tuple[float, ...]:
    """The option's values; a ValueError unless they are numbers."""
    try:
        if isinstance(values, str | bytes):  # their characters might be digits
            raise TypeError
        return tuple(map(float, values))
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {values!r}: give a number for each channel, as (0.5, 0.5)") from None


def check_normalisation(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Raises ValueError unless each channel has a finite mean and a positive deviation, for 0..1 pixels."""
    if len(mean) != len(std) or not mean:
        raise ValueError(f"mean has {len(mean)} channels, std {len(std)}: give one each")
    if not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        raise ValueError(f"mean must be finite and std must be positive, not {mean} and {std}")
    if min(*mean, *std) > 1:
        raise ValueError(
            f"mean is {mean} and std {std}: they are those of pixels in 0..1. Divide those of 0..255 by 255"
        )
