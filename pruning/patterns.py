"""The pattern library: which weights of a kernel may stay (PatDNN, arXiv:2001.00138, section 4).

A pattern keeps 4 of the 9 weights of a 3x3 kernel, the centre among them. Of a larger kernel it keeps about a
third, a multiple of 4, as the engine's records need. Kernels of up to four weights have one pattern only, the
whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import ceil, comb

import torch
from torch import Tensor

_LEAST_ENTRIES = 4
_MOST_LISTED = 4096  # candidates for which all are looked at
_MOST_WORTHS = 2**27  # (kernel, candidate) pairs, 1 GB; a large network has this many with 3x3 kernels


def entries(taps: int) -> int:
    """How many of a kernel's weights a pattern keeps."""
    return min(taps, max(_LEAST_ENTRIES, 4 * round(taps / 12)))


def candidates(taps: int = 9) -> Tensor:
    """bool (P, taps): every pattern that has the middle tap, in lexicographic order; 56 for 9 taps."""
    middle = taps // 2
    others = [tap for tap in range(taps) if tap != middle]
    chosen = [[middle, *rest] for rest in combinations(others, entries(taps) - 1)]
    patterns = torch.zeros(len(chosen), taps, dtype=torch.bool)
    for row, taps_kept in zip(patterns, chosen, strict=True):
        row[taps_kept] = True
    return patterns


def choose_library(weights: Iterable[Tensor], count: int) -> Tensor:
    """bool (P, T), P <= count: the library that keeps the most energy, found by greedy cover.

    Each step adds the pattern that most raises the energy kept if every kernel takes its best pattern so far.
    weights: (O, I, kh, kw) each, of one kernel size; every layer's energy is scaled to sum to one, so that
    none dominates. Candidates are all patterns or, if those are too many, the patterns that single kernels
    would choose freely, always with the middle tap.
    """
    energies = torch.cat([energies_of(weight) for weight in weights])  # (kernels, T)
    taps = energies.shape[1]
    listed = comb(taps - 1, entries(taps) - 1) <= _MOST_LISTED
    patterns = candidates(taps) if listed else _natural(energies)
    some = energies[:: ceil(len(energies) * len(patterns) / _MOST_WORTHS)]
    return patterns[cover(some @ patterns.T.double(), count)]


def energies_of(weight: Tensor) -> Tensor:
    """float64 (O * I, T): the square of each weight, scaled to sum to one."""
    energy = weight.detach().flatten(2).flatten(0, 1).double().square().cpu()
    return energy / energy.sum().clamp_min(torch.finfo(torch.float64).tiny)


def cover(worth: Tensor, count: int) -> list[int]:
    """At most `count` candidates, each the one that adds most if all kernels take their best so far.

    worth: (kernels, candidates); a kernel takes none rather than one of negative worth.
    """
    got = torch.zeros(len(worth), 1, dtype=worth.dtype)
    chosen: list[int] = []
    for _ in range(min(count, worth.shape[1])):
        gains = torch.maximum(worth, got).sum(0)
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        got = torch.maximum(got, worth[:, chosen[-1:]])
    return chosen


def _natural(energies: Tensor) -> Tensor:
    """The patterns that single kernels would choose, those with most energy, up to _MOST_LISTED."""
    taps = energies.shape[1]
    free = energies.clone()
    free[:, taps // 2] = torch.inf
    own = torch.zeros_like(energies, dtype=torch.bool).scatter_(1, free.topk(entries(taps)).indices, True)
    return most_wanted(own, energies.sum(1))


def most_wanted(own: Tensor, worth: Tensor) -> Tensor:
    """bool (P, T): the distinct patterns in `own`, of largest total worth first, up to _MOST_LISTED.

    own: bool (kernels, T), each kernel's own pattern.  worth: (kernels,).
    """
    patterns, which = own.unique(dim=0, return_inverse=True)
    total = torch.zeros(len(patterns), dtype=worth.dtype).index_add_(0, which, worth)
    return patterns[total.argsort(descending=True, stable=True)[:_MOST_LISTED]]


def histogram(mask: Tensor) -> dict[str, int]:
    """Pattern -> number of kernels, most frequent first; a pattern is written as its rows, "110/010/001".

    mask: bool (O, I, kh, kw). Removed kernels are not counted.
    """
    rows, counts = mask.flatten(0, 1).unique(dim=0, return_counts=True)
    found = {
        "/".join("".join("01"[tap] for tap in line) for line in row): int(count)
        for row, count in zip(rows.int().tolist(), counts, strict=True)
        if any(map(any, row))
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
