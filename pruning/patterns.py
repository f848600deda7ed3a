"""The pattern library: which 4 of a 3x3 kernel's 9 weights may stay (PatDNN, arXiv:2001.00138, section 4)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import torch
from torch import Tensor

TAPS = 9
ENTRIES = 4  # weights a pattern keeps
CENTRE = 4


def candidates() -> Tensor:
    """bool (56, 9): every pattern of the centre and three more taps, in lexicographic order."""
    others = [tap for tap in range(TAPS) if tap != CENTRE]
    patterns = torch.zeros(56, TAPS, dtype=torch.bool)
    for row, taps in zip(patterns, combinations(others, ENTRIES - 1), strict=True):
        row[[CENTRE, *taps]] = True
    return patterns


def choose_library(weights: Iterable[Tensor], count: int) -> Tensor:
    """bool (count, 9): the library that keeps the most energy, found by greedy cover.

    Each step adds the pattern that most raises the energy kept when every kernel takes its best pattern
    so far. weights: (O, I, 3, 3) each; every layer's energy is scaled to sum to one, so none dominates.
    """
    patterns = candidates()
    squares = []
    for weight in weights:
        energy = weight.detach().reshape(-1, TAPS).double().square().cpu()
        squares.append(energy / energy.sum().clamp_min(torch.finfo(torch.float64).tiny))
    energies = torch.cat(squares) @ patterns.T.double()  # (kernels, 56)
    kept = torch.zeros(len(energies), 1, dtype=torch.float64)
    chosen: list[int] = []
    for _ in range(count):
        gains = torch.maximum(energies, kept).sum(0)
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        kept = torch.maximum(kept, energies[:, chosen[-1:]])
    return patterns[chosen]


def histogram(mask: Tensor) -> dict[str, int]:
    """Kernels per pattern, most frequent first; a pattern reads as its rows, "110/010/001".

    mask: bool (O, I, 3, 3). Removed kernels are not counted.
    """
    rows, counts = mask.reshape(-1, TAPS).unique(dim=0, return_counts=True)
    names = ["".join("1" if tap else "0" for tap in row) for row in rows.tolist()]
    found = {f"{n[:3]}/{n[3:6]}/{n[6:]}": int(c) for n, c in zip(names, counts, strict=True) if "1" in n}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
