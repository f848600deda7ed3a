"""The projection onto c2 and c4: in each input channel, kernels of one pattern come in twos or fours.

The engine's input-stationary convolution computes such kernels together, whichever filters they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

from .projections import largest


@dataclass(frozen=True)
class Chunks:
    """Kernels that follow patterns, such that in each block of filters those of one channel and pattern come
    in multiples of `size`.

    count: chunks of `size` kernels that stay.
    block: how many neighbouring filters are packed together. Which of them form a chunk is free and differs
        between channels; if those at the end are too few for a chunk, they belong to the block before.
    patterns: bool (P, T).

    The projection gives each kernel the pattern that suits it best, then forms chunks of the kernels left
    over, with the pattern that suits them best together. It is the nearest member of the set among those with
    such patterns. (Choosing all patterns jointly is a hard matching problem.)
    """

    count: int
    size: int
    block: int
    patterns: Tensor

    def project(self, weight: Tensor) -> Tensor:
        size = min(self.size, len(weight))
        starts = range(self.block, len(weight) - size + 1, self.block)
        blocks = []
        for block in weight.square().tensor_split(tuple(starts)):
            energies = block.transpose(0, 1) @ self.patterns.T.to(weight.dtype)  # (channels, filters, P)
            pattern, chunk = _form(energies, size)
            energy = energies.gather(2, pattern[..., None])[..., 0]
            # Added in the filters' order, for the same bits on any device; filters without a chunk come last,
            # and never stay.
            whole = len(block) // size
            members = energy.gather(1, chunk.argsort(dim=1, stable=True))[:, : whole * size]
            sums = reduce(torch.add, members.unflatten(1, (whole, size)).unbind(2))
            blocks.append((pattern, chunk, sums))
        stays = largest(torch.cat([sums for _, _, sums in blocks], 1), self.count)
        stays = stays.split([sums.shape[1] for _, _, sums in blocks], 1)
        masks = [
            self.patterns[pattern] & F.pad(stay, (0, 1)).gather(1, chunk)[..., None]
            for (pattern, chunk, _), stay in zip(blocks, stays, strict=True)
        ]
        return torch.cat(masks, 1).transpose(0, 1).contiguous()


def _form(energies: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The pattern and the chunk of each kernel, (C, kernels) both; the number kernels // size means no chunk.

    energies: (C, kernels, P), that each kernel keeps in each pattern.
    """
    kernels, patterns = energies.shape[1:]
    none = kernels // size
    best, pattern = energies.max(2)
    # By pattern, and within one by energy: chunks are cut from the front of each pattern's kernels.
    by_energy = best.argsort(dim=1, descending=True, stable=True)
    order = by_energy.gather(1, pattern.gather(1, by_energy).argsort(dim=1, stable=True))
    counts = F.one_hot(pattern, patterns).sum(1)  # (C, P)
    whole = counts // size
    of = pattern.gather(1, order)
    rank = torch.arange(kernels, device=order.device) - (counts.cumsum(1) - counts).gather(1, of)
    number = (whole.cumsum(1) - whole).gather(1, of) + rank // size
    number[rank // size >= whole.gather(1, of)] = none
    chunk = torch.empty_like(number).scatter_(1, order, number)
    _form_rest(energies, size, pattern, chunk, whole.sum(1))
    return pattern, chunk


def _form_rest(energies: Tensor, size: int, pattern: Tensor, chunk: Tensor, formed: Tensor) -> None:
    """Forms chunks of the kernels that have none, in place, those that keep most energy first.

    formed: (C,) how many chunks there are already.
    """
    kernels, patterns = energies.shape[1:]
    none = kernels // size
    width = min(kernels, patterns * (size - 1))  # no more than that can be left
    rest = (chunk == none).int().argsort(dim=1, descending=True, stable=True)[:, :width]
    offers = energies.gather(1, rest[..., None].expand(-1, -1, patterns))
    offers = offers.masked_fill((chunk.gather(1, rest) != none)[..., None], -torch.inf)
    for _ in range(width // size):
        top, members = offers.topk(size, dim=1)  # (C, size, P)
        energy, choice = top.sum(1).max(1)
        some = (energy > -torch.inf)[:, None]
        who = members.gather(2, choice[:, None, None].expand(-1, size, 1))[..., 0]
        at = rest.gather(1, who)
        chunk.scatter_(1, at, torch.where(some, formed[:, None], chunk.gather(1, at)))
        pattern.scatter_(1, at, torch.where(some, choice[:, None], pattern.gather(1, at)))
        offers.scatter_(1, who[..., None].expand(-1, -1, patterns), -torch.inf)
        formed = formed + some[:, 0]
