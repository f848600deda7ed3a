"""What the plugin decided about one convolution, and how tables show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .support.units import count

# The columns of a table, in order; the keys of `Layer.cells`.
COLUMNS = (
    "layer", "kind", "output", "MACs", "kept", "weights", "kernels", "patterns", "KB", "recognised", "kernel",
)  # fmt: skip
_MOST_PATTERNS = 512  # the plugin counts no further: kMostPatterns in recognise.h


@dataclass(frozen=True)
class Layer:
    """One of the plugin's report rows; the fields are explained at `Inspection.layers`."""

    name: str
    kind: str
    filters: int
    channels: int
    height: int
    width: int
    dense_macs: float
    kept_macs: float
    kernels_kept: float
    patterns: int
    reason: str
    kernel: str
    weight_bytes: int

    @property
    def shape(self) -> str:
        """The output map's, "filters x height x width"."""
        return f"{self.filters}x{self.height}x{self.width}"

    @property
    def density(self) -> float:
        """Fraction of the weights that are not zero; 1 if the plugin could not tell."""
        return self.kept_macs / self.dense_macs if self.dense_macs else 1.0

    @property
    def accelerated(self) -> bool:
        return self.kernel != "stock"

    @property
    def patterns_told(self) -> str:
        return f"{self.patterns}+" if self.patterns == _MOST_PATTERNS else str(self.patterns)

    def cells(self) -> dict[str, str]:
        """Column -> text; empty if the plugin could not tell, or holds no weights."""
        return {
            "layer": self.name,
            "kind": self.kind,
            "output": self.shape,
            "MACs": count(self.dense_macs),
            "kept": count(self.kept_macs),
            "weights": f"{self.density:.1%}" if self.dense_macs else "",
            "kernels": f"{self.kernels_kept:.1%}",
            "patterns": self.patterns_told,
            "KB": f"{self.weight_bytes / 1e3:.1f}" if self.weight_bytes else "",
            "recognised": self.reason,
            "kernel": self.kernel,
        }


def layers_of(rows: Iterable[Mapping[str, Any]]) -> list[Layer]:
    return [Layer(**row) for row in rows]


def text_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each layer, under a line of column names."""
    lines = [COLUMNS, *([layer.cells()[column] for column in COLUMNS] for layer in layers_of(rows))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )
