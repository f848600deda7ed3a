"""Instruction counts, from a results file of `python -m benchmarks instructions`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..latency.instructions import Count, fewer
from ..plain import restore
from .roofline import layer_name


@dataclass(frozen=True)
class Line:
    """millions: of instructions in one call.  fewer: how many times fewer than the dense layer in stock."""

    layer: str
    way: str
    millions: float
    fewer: float


def lines(path: Path) -> list[Line]:
    counts = [restore(Count, count) for count in json.loads(path.read_text(encoding="utf-8"))["outcomes"]]
    return [
        Line(layer_name(asdict(count.layer)), count.way, count.instructions / 1e6, factor)
        for count, factor in zip(counts, fewer(counts), strict=True)
    ]
