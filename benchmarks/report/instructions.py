"""Instruction counts, from a results file of `python -m benchmarks instructions`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .roofline import layer_name


@dataclass(frozen=True)
class Line:
    """millions: of instructions, of one call.  fewer: times fewer than of the dense layer, stock."""

    layer: str
    way: str
    millions: float
    fewer: float


def lines(path: Path) -> list[Line]:
    counts = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
    names = [layer_name(count["layer"]) for count in counts]
    dense = {
        name: count["instructions"]
        for name, count in zip(names, counts, strict=True)
        if count["way"].startswith("dense")
    }
    return [
        Line(name, c["way"], c["instructions"] / 1e6, dense[name] / c["instructions"])
        for name, c in zip(names, counts, strict=True)
    ]
