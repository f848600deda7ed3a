"""Patterns of any number of taps: each kernel keeps as many weights as it needs, in one of a few patterns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from .patterns import cover, energies_of, most_wanted

_HALVINGS = 50  # of the interval in which a weight's price is sought
_LOOKED_AT = 8192  # most kernels of a layer that choose a library


@dataclass(frozen=True)
class Varied:
    """Kernels that each have one of the patterns, or are removed; at most `count` weights stay.

    patterns: bool (P, T).
    All weights have one price, and each kernel takes the pattern of largest worth at that price (a Lagrange
    multiplier): no member of the set with as many weights is nearer. Some weights may be left over, too few
    for the next kernel's pattern.
    """

    count: int
    patterns: Tensor

    def project(self, weight: Tensor) -> Tensor:
        patterns = torch.cat([torch.zeros_like(self.patterns[:1]), self.patterns])
        sizes, size_of = patterns.sum(1).unique(return_inverse=True)
        energies = weight.square() @ patterns.T.to(weight.dtype)  # (O, I, P)
        # Among patterns of one size only the best matters.
        of_size = [torch.nonzero(size_of == i)[:, 0] for i in range(len(sizes))]
        best = [energies[..., which].max(2) for which in of_size]
        values = torch.stack([found.values for found in best], 2)  # (O, I, sizes)

        def choice(price: float) -> Tensor:
            return (values - price * sizes.to(values.dtype)).argmax(2)

        low, high = 0.0, 2 * float(values.max()) + torch.finfo(values.dtype).tiny
        for _ in range(_HALVINGS):
            price = (low + high) / 2
            fits = int(sizes[choice(price)].sum()) <= self.count
            low, high = (low, price) if fits else (price, high)
        size = choice(high)
        if low > 0:  # kernels that differ between the two prices are equally good: fill up with them
            larger = choice(low)
            more = (sizes[larger] - sizes[size]).flatten()
            fitting = more.cumsum(0) <= self.count - int(sizes[size].sum())
            size = torch.where(fitting.view_as(size), larger, size)
        number = torch.stack([which[found.indices] for which, found in zip(of_size, best, strict=True)], 2)
        return patterns[number.gather(2, size[..., None])[..., 0]]


def choose_varied_library(weights: Iterable[Tensor], count: int, rate: float) -> Tensor:
    """bool (P, T), P <= count: the patterns of most worth if every kernel takes its best one, or none.

    Found by greedy cover; the price of a weight is the one at which unstructured weights would shrink `rate`
    times. weights: (O, I, kh, kw) each, of one kernel size; every layer's energy is scaled to sum to one. The
    pattern of all taps is always included, since layers that keep most of their weights need it. It is the
    only one if all weights are alike, when none is worth more than the price.
    """
    worths = []
    for weight in weights:
        energies = energies_of(weight)  # (kernels, T)
        kept = max(1, int(energies.numel() / rate))
        price = energies.flatten().kthvalue(energies.numel() - kept + 1).values
        worths.append(energies[:: ceil(len(energies) / _LOOKED_AT)] - price)
    worth = torch.cat(worths)
    own = most_wanted(worth > 0, worth.clamp_min(0).sum(1))
    whole = torch.ones_like(own[:1])
    own = own[own.any(1)] if own.any() else whole
    chosen = own[cover(worth @ own.T.to(worth.dtype), count)]
    return chosen if chosen.all(1).any() else torch.cat([chosen[: count - 1], whole])
