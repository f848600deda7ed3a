"""The structures of zeros that a layer may have, by name, and how many weights each leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from .chunks import Chunks
from .projections import Constraint, Everything, Tiles
from .varied import Varied

MOST_RATE = 45.0  # beyond this next to nothing is left of a layer
_LEAST_RATE = 1.25  # even if a structure allows less: errors near 0 cannot be interpolated by logarithms
_ALL = 2**31  # all filters, or all channels
_BLOCK = 128  # filters that the engine's input-stationary kernel packs together


@dataclass(frozen=True)
class Structure:
    """Weights stay or go by tiles of `filters` filters x `channels` channels.

    kept: what stays of a tile: "pattern", the taps of one pattern; "all", all taps. Or each tap has tiles of
        its own: "weight", of which any may stay; "varied", such that every kernel has a pattern, of any size.
    chunks: whether the `filters` filters of a tile may be any, and others in each channel, instead of
        neighbours that are the same in all channels.
    """

    name: str
    filters: int = 1
    channels: int = 1
    kept: Literal["pattern", "all", "weight", "varied"] = "pattern"
    chunks: bool = False

    @property
    def patterned(self) -> bool:
        """Whether kernels keep the patterns of a library."""
        return self.kept in ("pattern", "varied")

    def tiles(self, shape: torch.Size) -> int:
        """How many tiles a layer has.  shape: (O, I, ...), of its weight."""
        return sum(number for _, number in self._sizes(shape))

    def tile_weights(self, shape: torch.Size, library: Tensor) -> int:
        """The most weights that one tile keeps."""
        return self._sizes(shape)[0][0] * self._taps(shape, library)

    def _sizes(self, shape: torch.Size) -> list[tuple[int, int]]:
        """(kernels in a tile, number of such tiles), largest first: tiles at the end may be smaller."""
        of_each = shape[2:].numel() if self.kept in ("weight", "varied") else 1
        filters = _divided(shape[0], self.filters)
        if self.chunks:  # the filters at the end may join any chunk: counted as if they had a whole one
            filters = [(filters[0][0], math.ceil(shape[0] / self.filters))]
        sizes = [
            (height * width, rows * columns * of_each)
            for height, rows in filters
            for width, columns in _divided(shape[1], self.channels)
        ]
        return sorted(sizes, reverse=True)

    def _taps(self, shape: torch.Size, library: Tensor) -> int:
        """How many taps each kernel of a tile keeps."""
        return {"pattern": int(library[0].sum()), "all": shape[2:].numel()}.get(self.kept, 1)

    def least_rate(self, shape: torch.Size, library: Tensor) -> float:
        """How many times fewer weights there are if every tile stays."""
        return shape[2:].numel() / int(library[0].sum()) if self.kept == "pattern" else 1.0

    def count(self, shape: torch.Size, library: Tensor, rate: float) -> int:
        """How many tiles, whichever, may stay if weights shrink at least `rate` times; at least one."""
        count, left = 0, shape.numel() / rate / self._taps(shape, library)
        for kernels, number in self._sizes(shape):
            some = min(number, int(left / kernels + 1e-6))
            count, left = count + some, left - some * kernels
            if some < number:
                break
        return max(1, count)

    def counts(
        self, shape: torch.Size, library: Tensor, points: int, least_rate: float = _LEAST_RATE
    ) -> Tensor:
        """int (n,), n <= points: how many tiles may stay, descending, at geometric rates to MOST_RATE."""
        least = max(self.least_rate(shape, library), least_rate)
        rates = torch.logspace(math.log10(least), math.log10(MOST_RATE), points, dtype=torch.float64)
        return torch.tensor([self.count(shape, library, rate) for rate in rates.tolist()]).unique().flip(0)

    def rate(self, shape: torch.Size, library: Tensor, count: Tensor) -> Tensor:
        """float64 (n,): how many times fewer weights there are if the `count` (n,) largest tiles stay."""
        kernels, before = torch.zeros_like(count, dtype=torch.float64), 0
        for size, number in self._sizes(shape):
            kernels += (count - before).clamp(0, number) * size
            before += number
        return shape.numel() / (kernels * self._taps(shape, library))

    def order(self, weight: Tensor, library: Tensor) -> Tensor | None:
        """(O,) the filters in an order in which those of a tile are neighbours; None: as they are.

        weight: (O, I, T), scaled such that size is importance.
        """
        if not 1 < self.filters < len(weight) or self.channels > 1 or self.chunks:
            return None
        energies = weight.square()
        if self.kept == "pattern":
            energies = energies @ library.T.to(weight.dtype)
        return cluster(energies, self.filters)

    def constraint(self, count: int, library: Tensor, order: Tensor | None = None) -> Constraint:
        """The set of weights that keep `count` tiles.  order: as `order` returned it."""
        if self is DENSE:
            return Everything()
        if self.kept == "varied":
            return Varied(count, library)
        if self.chunks:
            return Chunks(count, self.filters, _BLOCK, library)
        patterns = {"pattern": library, "all": torch.ones_like(library[:1]), "weight": None}[self.kept]
        return Tiles(count, self.filters, self.channels, patterns, order)


def _divided(whole: int, size: int) -> list[tuple[int, int]]:
    """(size, number) of the parts that a whole is cut into; the last part may be smaller."""
    size = min(size, whole)
    number, rest = divmod(whole, size)
    return [(size, number), *([(rest, 1)] if rest else [])]


DENSE = Structure("dense", _ALL, _ALL, "all")
FREE = Structure("free")
VARIED = Structure("varied", kept="varied")  # as free, but patterns have any number of taps
# Structures that the engine runs fast; "auto" chooses among them.
CODESIGN = (
    FREE,
    Structure("c2", filters=2, chunks=True),
    Structure("c4", filters=4, chunks=True),
    Structure("g2", filters=2),
    Structure("g4", filters=4),
    Structure("g16", filters=16),
    Structure("b2", filters=2, kept="weight"),
    Structure("b4", filters=4, kept="weight"),
    Structure("b16", filters=16, kept="weight"),
)
# For comparison, those of arXiv:2003.06513 v1 and of its authors' other work: single weights, rows and
# columns of the weight matrix, and one position in all kernels of a block.
OTHERS = (
    Structure("irregular", kept="weight"),
    Structure("filter", channels=_ALL, kept="all"),
    Structure("column", filters=_ALL, kept="weight"),
    Structure("block", filters=8, channels=4, kept="weight"),
)
STRUCTURES = {structure.name: structure for structure in (*CODESIGN, VARIED, *OTHERS)}


def distinct(structures: Sequence[Structure], library: Tensor) -> list[Structure]:
    """The structures without duplicates, which arise if kernels have one tap only, as in 1x1 convolutions."""
    seen = {s if library.shape[1] > 1 else replace(s, name="", kept="all"): s for s in reversed(structures)}
    return list(reversed(seen.values()))


def cluster(energies: Tensor, size: int) -> Tensor:
    """(O,) filters in an order in which each `size` neighbours have their energy in the same places.

    Greedy, by the cosine of the energies: a group begins with the remaining filter of most energy, and takes
    those nearest to its sum.  energies: (O, I, P), what every kernel keeps in every pattern.
    """
    directions = energies.flatten(1)
    sizes = directions.norm(dim=1)
    directions = directions / sizes[:, None].clamp_min(torch.finfo(sizes.dtype).tiny)
    nearness = directions @ directions.T
    free = torch.ones_like(sizes, dtype=torch.bool)
    order: list[int] = []
    for at in range(len(sizes)):
        group = order[at - at % size : at]
        wish = nearness[group].sum(0) if group else sizes
        order.append(int(torch.where(free, wish, -torch.inf).argmax()))
        free[order[-1]] = False
    return torch.tensor(order, device=energies.device)
