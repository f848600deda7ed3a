"""Exact projections onto sets of sparse weights: which weights the nearest member of the set keeps.

Nearest in the Frobenius norm. Weights that are kept do not change, so a mask describes a projection. Weights
are (filters, channels, taps): the channels that a filter reads, and the kernel's positions row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F


class Constraint(Protocol):
    """A set of weights that ADMM can solve for."""

    def project(self, weight: Tensor) -> Tensor:
        """The support of the set's nearest member: bool, in the weight's shape (O, I, T)."""
        ...


@dataclass(frozen=True)
class Everything:
    """All weights: a dense layer."""

    def project(self, weight: Tensor) -> Tensor:
        return torch.ones_like(weight, dtype=torch.bool)


@dataclass(frozen=True)
class Tiles:
    """Weights that are zero except in `count` tiles of `filters` filters x `channels` channels.

    patterns: bool (P, T): each tile keeps the taps of one of P patterns; None: a tile is a single tap of its
        kernels.
    order: (O,) the filters in an order in which each `filters` neighbours form a tile; None: as they are.
    Tiles at the end are smaller if sizes do not divide.
    """

    count: int
    filters: int = 1
    channels: int = 1
    patterns: Tensor | None = None
    order: Tensor | None = None

    def project(self, weight: Tensor) -> Tensor:
        o, i, _ = weight.shape
        filters, channels = min(self.filters, o), min(self.channels, i)
        ordered = weight if self.order is None else weight[self.order]
        padded = F.pad(ordered.square(), (0, 0, 0, -i % channels, 0, -o % filters))
        tiled = padded.unflatten(1, (-1, channels)).unflatten(0, (-1, filters))
        energies = tiled.sum((1, 3))  # (tile rows, tile columns, T)
        if self.patterns is None:
            mask = largest(energies, self.count)
        else:
            best, pattern = (energies @ self.patterns.T.to(energies.dtype)).max(2)
            mask = self.patterns[pattern] & largest(best, self.count)[..., None]
        mask = mask.repeat_interleave(filters, 0)[:o].repeat_interleave(channels, 1)[:, :i]
        if self.order is None:
            return mask
        return torch.empty_like(mask).index_copy_(0, self.order, mask)


def largest(values: Tensor, count: int) -> Tensor:
    """bool, in the values' shape: True for the `count` largest."""
    mask = torch.zeros(values.numel(), dtype=torch.bool, device=values.device)
    mask[values.flatten().topk(min(count, values.numel())).indices] = True
    return mask.view_as(values)
