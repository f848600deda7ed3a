"""What a pruning run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

LEAST_RATE = 9 / 4  # every kept kernel holds 4 of its 9 weights
MOST_RATE = 45.0  # beyond this a layer is left with next to nothing

_RANGES = {
    "rate": (1.0, MOST_RATE),
    "macs": (1.0, MOST_RATE),
    "patterns": (1, 56),
    "images": (16, 65536),
    "refine_steps": (0, 10000),
    "distill_steps": (0, 100000),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True, kw_only=True)
class PruneConfig:
    """Budgets, the model's input normalisation, and the effort to spend.

    rate: the weights of the pruned 3x3 convolutions shrink by at least this factor.
    macs: their multiply-accumulates shrink by at least this factor. Give either, or both: then both hold.
        Budgets are met to 1 % where the layers are large enough; 2.25 (4 of 9) is the least a run can prune.
    mean, std: per channel, for pixels in 0..1, as torchvision's Normalize.
    dense: names of convolutions to leave alone, besides those that are never pruned.
    patterns: size of the pattern library, 1 to 56.
    source: "mix" draws dead leaves and pink noise; "uniform" draws the i.i.d. noise of arXiv:2003.06513.
    images: how many synthetic images; None chooses by the input's size.
    refine_steps: steps that pull the images towards the statistics kept in the BatchNorms; 0 for none.
    distill_steps: steps of whole-model distillation after pruning, masks fixed; 0 for none.
    seed: the same seed gives the same result on the same machine and thread count.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    rate: float | None = None
    macs: float | None = None
    dense: tuple[str, ...] = ()
    patterns: int = 8
    source: Literal["mix", "uniform"] = "mix"
    images: int | None = None
    refine_steps: int = 4
    distill_steps: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("mean", "std", "dense"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} is {value}: it must be in {low}..{high}")
        if max(self.rate or 1.0, self.macs or 1.0) <= 1.0:
            raise ValueError("nothing to do: set rate or macs (or both) above 1, for example rate=4.0")
        if self.source not in ("mix", "uniform"):
            raise ValueError(f'source is {self.source!r}: choose "mix" or "uniform"')
        if len(self.mean) != len(self.std) or not self.mean:
            raise ValueError(f"mean has {len(self.mean)} channels, std {len(self.std)}: give one each")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, not {self.std}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PruneConfig:
        """From a recipe's section; an unknown key is a ValueError that lists the known ones."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ValueError(f"unknown option {', '.join(unknown)}; known: {', '.join(known)}")
        return cls(**values)
