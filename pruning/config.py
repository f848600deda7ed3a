"""The options of a pruning run and of retraining."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, Literal

from patternlite.runtimes.installed import MOST_THREADS

from .normalisation import by_channel, check_normalisation
from .sources import SOURCES
from .structures import MOST_RATE, STRUCTURES

KIND = re.compile(r"[1-9]\d*x[1-9]\d*|depthwise")  # kinds of convolutions that can be pruned
_RANGES = {
    "rate": (1.0, MOST_RATE),
    "macs": (1.0, MOST_RATE),
    "latency": (1.0, MOST_RATE),
    "threads": (1, MOST_THREADS),
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
    latency: the time of all the model's Conv2d, in this engine on this machine with `threads` threads, is at
        least this factor less than that of dense ones. It is the sum of the times of single layers, which
        are measured unless an earlier run has done so. A layer that runs at several sizes is timed at the
        largest and scaled by pixels for the others; one that runs on windows or crops of an image is timed on
        one and multiplied by their number. Nothing else is counted: no ConvTranspose2d or Linear, and no
        Conv2d whose calls cannot be followed, which the report names.
        Give one of these three or several; then all hold, or a ValueError says what comes nearest. Budgets
        are met to 1 % if the layers are large enough; if they are too small for a rate, as much is pruned as
        possible, with a warning. Patterns prune at least 2.25 times (they keep 4 of 9).
    structure: what the zeros of a layer have in common. "free": each kernel has its own pattern; "c2", "c4":
        kernels of one input channel share a pattern in twos or fours; "g2", "g4", "g16": groups of so many
        filters share input channels and patterns; "b2", "b4", "b16": blocks of so many filters keep the same
        weights, in no pattern; "varied": as free, but patterns have any number of taps, which loses least for
        its size and runs slower than free. "auto": with `latency`, for each layer whatever loses least output
        for its time, dense included; otherwise "free".
        "irregular", "filter", "column", "block": structures of other work, for comparison.
    allocation: "adaptive" prunes layers more where that costs their outputs less; "uniform" gives all the
        same rate, and free patterns unless `structure` says otherwise (arXiv:2003.06513).
    kinds: which convolutions to prune: "3x3" and other kernel sizes, "depthwise".
    mean, std: per channel, for pixels in 0..1, as torchvision's Normalize.
    dense: names of convolutions to leave alone, besides those that are never pruned.
    patterns: largest size of the pattern library; None for 8, or 16 varied ones.
    source: of the images, a name in sources.SOURCES; "uniform" is the noise of arXiv:2003.06513.
    images: how many synthetic images; None chooses by the size of the model's largest map.
    refine_steps: steps that pull the images towards the statistics kept in the BatchNorms; 0 for none.
    admm: "closed-form" solves each layer's least squares exactly; "gradient", as in the paper, descends with
        Adam on the error behind the layer's norm and activation, accepts images of any kind, and leaves the
        norms alone.
    distill_steps: steps of whole-model distillation after pruning, with fixed masks; 0 for none.
    seed: the same seed gives the same result on the same machine and thread count, for a model that draws no
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
        """Name -> factor, of the budgets that ask for something."""
        asked = {name: getattr(self, name) for name in _BUDGETS}
        return {name: factor for name, factor in asked.items() if factor and factor > 1}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PruneConfig:
        """From a section of a TOML plan; an unknown key is a ValueError that lists the known ones."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ValueError(f"unknown option {', '.join(unknown)}; known: {', '.join(known)}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class RetrainConfig:
    """How `retrain` trains.

    mean, std: as torchvision's Normalize.
    learning_rate: the peak of the one-cycle schedule. 0.03 to 0.05 suits a full training set, 0.01 to 0.02 a
        few thousand images.
    batch: images per step.
    flip: whether half of the images are mirrored, left to right. Turn it off if classes differ by mirroring,
        as digits and signs do.
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
    """The option's value; a ValueError unless it is a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}: it must be a number") from None


def whole_number(name: str, value: Any) -> int:
    """The option's value, where 4.0 counts as 4; a ValueError unless it is a whole number."""
    if not isinstance(value, int | float | Integral) or value != value // 1:
        raise ValueError(f"{name} is {value!r}: it must be a whole number")
    return int(value)


def _names(name: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (value,)
    if wrong := [each for each in names if not isinstance(each, str)]:
        raise ValueError(f"{name} holds {wrong[0]!r}: give names, () for none")
    return names
