"""The pattern library: which weights of a kernel may stay (PatDNN, arXiv:2001.00138, section 4).

Of 3x3 kernels 4 of 9, the centre among them; of larger ones about a third, in fours, as the engine's
records have them; kernels of up to four weights have but one pattern, the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

import torch
from torch import Tensor

_LEAST_ENTRIES = 4
_MOST_LISTED = 4096  # candidates, where all are looked at


def entries(taps: int) -> int:
    """How many of a kernel's weights a pattern keeps."""
    return min(taps, max(_LEAST_ENTRIES, 4 * round(taps / 12)))


def candidates(taps: int = 9) -> Tensor:
    """bool (P, taps): every pattern of the middle tap and others, in lexicographic order; 56 of 9 taps."""
    middle = taps // 2
    others = [tap for tap in range(taps) if tap != middle]
    chosen = [[middle, *rest] for rest in combinations(others, entries(taps) - 1)]
    patterns = torch.zeros(len(chosen), taps, dtype=torch.bool)
    for row, taps_kept in zip(patterns, chosen, strict=True):
        row[taps_kept] = True
    return patterns


def choose_library(weights: Iterable[Tensor], count: int) -> Tensor:
    """bool (P, T), P <= count: the library that keeps the most energy, found by greedy cover.

    Each step adds the pattern that most raises the energy kept when every kernel takes its best pattern
    so far. weights: (O, I, kh, kw) each, of one kernel size; every layer's energy is scaled to sum to one,
    so none dominates. Candidates are all patterns, or where those are too many what kernels keep that are
    free to choose, the middle tap among it.
    """
    squares = []
    for weight in weights:
        energy = weight.detach().flatten(2).flatten(0, 1).double().square().cpu()
        squares.append(energy / energy.sum().clamp_min(torch.finfo(torch.float64).tiny))
    energies = torch.cat(squares)  # (kernels, T)
    taps = energies.shape[1]
    listed = comb(taps - 1, entries(taps) - 1) <= _MOST_LISTED
    patterns = candidates(taps) if listed else _natural(energies)
    kept_by = energies @ patterns.T.double()  # (kernels, candidates)
    kept = torch.zeros(len(kept_by), 1, dtype=torch.float64)
    chosen: list[int] = []
    for _ in range(min(count, len(patterns))):
        gains = torch.maximum(kept_by, kept).sum(0)
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        kept = torch.maximum(kept, kept_by[:, chosen[-1:]])
    return patterns[chosen]


def choose_libraries(weights: Sequence[Tensor], count: int) -> dict[tuple[int, ...], Tensor]:
    """Kernel size (height, width) -> the library of the weights of that size."""
    sizes = dict.fromkeys(tuple(weight.shape[2:]) for weight in weights)
    return {size: choose_library([w for w in weights if tuple(w.shape[2:]) == size], count) for size in sizes}


def _natural(energies: Tensor) -> Tensor:
    """The patterns that single kernels would choose: those of the most energy, up to _MOST_LISTED."""
    taps = energies.shape[1]
    free = energies.clone()
    free[:, taps // 2] = torch.inf
    own = torch.zeros_like(energies, dtype=torch.bool).scatter_(1, free.topk(entries(taps)).indices, True)
    patterns, which = own.unique(dim=0, return_inverse=True)
    weight = torch.zeros(len(patterns), dtype=energies.dtype).index_add_(0, which, energies.sum(1))
    return patterns[weight.argsort(descending=True, stable=True)[:_MOST_LISTED]]


def histogram(mask: Tensor) -> dict[str, int]:
    """Kernels per pattern, most frequent first; a pattern reads as its rows, "110/010/001".

    mask: bool (O, I, kh, kw). Removed kernels are not counted.
    """
    rows, counts = mask.flatten(0, 1).unique(dim=0, return_counts=True)
    found = {
        "/".join("".join("01"[tap] for tap in line) for line in row): int(count)
        for row, count in zip(rows.int().tolist(), counts, strict=True)
        if any(map(any, row))
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
