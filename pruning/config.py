"""What a run is asked to do: of pruning, and of retraining."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, Literal

from .normalisation import by_channel, check_normalisation
from .sources import SOURCES
from .structures import MOST_RATE, STRUCTURES

KIND = re.compile(r"[1-9]\d*x[1-9]\d*|depthwise")  # of convolutions that can be pruned
_RANGES = {
    "rate": (1.0, MOST_RATE),
    "macs": (1.0, MOST_RATE),
    "latency": (1.0, MOST_RATE),
    "threads": (1, 256),
    "patterns": (1, 512),
    "images": (16, 65536),
    "refine_steps": (0, 10000),
    "distill_steps": (0, 100000),
    "seed": (0, 2**31 - 1),
}
_BUDGETS = ("rate", "macs", "latency")  # the other ranges are of whole numbers
_MAY_BE_NONE = (*_BUDGETS, "patterns", "images")


@dataclass(frozen=True, kw_only=True)
class PruneConfig:
    """Budgets, the model's input normalisation, and the effort to spend.

    rate: the weights of the pruned convolutions shrink by at least this factor.
    macs: their multiply-accumulates shrink by at least this factor.
    latency: all the model's Conv2d, run by this engine on this machine with `threads`, take at least this
        factor less time than dense, by the times of single layers. Those are taken where they are not known
        from an earlier run; of a layer that runs at several sizes at the largest, and by the pixels at the
        others; of one that runs on windows or crops of an image on one, times their number. Nothing else is
        counted: no ConvTranspose2d or Linear, nor a Conv2d whose calls cannot be followed, which the report
        names.
        Give one of the three, or several: then all hold, or ValueError says what comes nearest. Budgets are
        met to 1 % where the layers are large enough; where they are too small for a rate, as much goes as
        can, with a warning. 2.25 (4 of 9) is the least that patterns prune.
    structure: what the zeros of a layer have in common. "free": each kernel its own pattern; "c2", "c4":
        kernels of one input channel and pattern in twos or fours; "g2", "g4", "g16": groups of so many
        filters that share input channels and patterns; "b2", "b4", "b16": blocks of so many filters that
        keep the same weights, in no pattern. "auto": with `latency`, for each layer what loses least output
        for its time, dense included; without, "free". "varied": as free, but patterns have any number of
        taps: loses least for its size, and takes longer than free.
        "irregular", "filter", "column", "block": what others prune, for comparison.
    allocation: "adaptive" prunes layers more where that costs their outputs less; "uniform" gives all the
        same rate, and free patterns unless `structure` says otherwise (arXiv:2003.06513).
    kinds: of convolutions to prune: "3x3" and other sizes, "depthwise".
    mean, std: per channel, for pixels in 0..1, as torchvision's Normalize.
    dense: names of convolutions to leave alone, besides those that are never pruned.
    patterns: size of the pattern library, at most; None for 8, or 16 varied ones.
    source: of the images, a name in sources.SOURCES; "uniform" is the noise of arXiv:2003.06513.
    images: how many synthetic images; None chooses by the size of the model's largest map.
    refine_steps: steps that pull the images towards the statistics kept in the BatchNorms; 0 for none.
    admm: "closed-form" solves each layer's least squares exactly; "gradient" descends with Adam on what is
        behind its norm and activation, as the paper does, on images of any kind, and leaves the norms alone.
    distill_steps: steps of whole-model distillation after pruning, masks fixed; 0 for none.
    seed: the same seed gives the same result on the same machine and thread count, of a model that draws no
        random numbers in eval mode.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    rate: float | None = None
    macs: float | None = None
    latency: float | None = None
    threads: int = 1
    structure: str = "auto"
    allocation: Literal["adaptive", "uniform"] = "adaptive"
    kinds: tuple[str, ...] = ("3x3",)
    dense: tuple[str, ...] = ()
    patterns: int | None = None
    source: str = "mix"
    images: int | None = None
    refine_steps: int = 25
    admm: Literal["closed-form", "gradient"] = "closed-form"
    distill_steps: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dense", "kinds"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        for name in ("mean", "std"):
            object.__setattr__(self, name, by_channel(name, getattr(self, name)))
        if not self.kinds:
            raise ValueError('kinds is empty: give sizes such as "3x3" and "1x1", or "depthwise"')
        for name, (low, high) in _RANGES.items():
            if (value := getattr(self, name)) is None and name in _MAY_BE_NONE:
                continue
            value = (number if name in _BUDGETS else whole_number)(name, value)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}: it must be in {low}..{high}")
            object.__setattr__(self, name, value)  # 4 and 4.0 are one run
        if not self.budgets:
            raise ValueError("nothing to do: set rate, macs or latency above 1, for example rate=4.0")
        if self.structure not in ("auto", *STRUCTURES):
            raise ValueError(f"structure is {self.structure!r}: choose auto, {', '.join(STRUCTURES)}")
        if wrong := [kind for kind in self.kinds if not KIND.fullmatch(kind)]:
            raise ValueError(f'kinds holds {wrong[0]!r}: give sizes such as "3x3" and "1x1", or "depthwise"')
        chosen = {
            "source": SOURCES,
            "admm": ("closed-form", "gradient"),
            "allocation": ("adaptive", "uniform"),
        }
        for name, choices in chosen.items():
            if (value := getattr(self, name)) not in choices:
                raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}")
        check_normalisation(self.mean, self.std)

    @property
    def budgets(self) -> dict[str, float]:
        """Those that ask for anything: name -> factor."""
        asked = {name: getattr(self, name) for name in _BUDGETS}
        return {name: factor for name, factor in asked.items() if factor and factor > 1}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PruneConfig:
        """From a recipe's section; an unknown key is a ValueError that lists the known ones."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ValueError(f"unknown option {', '.join(unknown)}; known: {', '.join(known)}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class RetrainConfig:
    """mean, std: as torchvision's Normalize.  learning_rate: the peak of its one cycle.

    For a full training set 0.03 to 0.05 is a good one, for a few thousand images 0.01 to 0.02.
    flip: half of the images are mirrored, left to right. Not for classes that differ by that, as digits and
        signs do.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    epochs: int = 5
    learning_rate: float = 0.05
    batch: int = 64
    weight_decay: float = 2e-4
    flip: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, by_channel(name, getattr(self, name)))
        for name in ("learning_rate", "weight_decay"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        for name in ("epochs", "batch", "seed"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        for name in ("epochs", "learning_rate", "batch"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be above 0")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay is {self.weight_decay}: it must be 0 or above")
        check_normalisation(self.mean, self.std)


def number(name: str, value: Any) -> float:
    """The option's value. Raises ValueError where it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}: it must be a number") from None


def whole_number(name: str, value: Any) -> int:
    """The option's value; 4.0 is 4. Raises ValueError for any other."""
    if not isinstance(value, int | float | Integral) or value != value // 1:
        raise ValueError(f"{name} is {value!r}: it must be a whole number")
    return int(value)


def _names(name: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (value,)
    if wrong := [each for each in names if not isinstance(each, str)]:
        raise ValueError(f"{name} holds {wrong[0]!r}: give names, () for none")
    return names
