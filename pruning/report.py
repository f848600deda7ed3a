"""What a pruning run did, for people (str) and for JSON (to_dict)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from patternlite.support.units import count

from .fidelity import Fidelity
from .model.graph import told
from .model.norm_statistics import Gap
from .structures import DENSE


@dataclass(frozen=True)
class LayerReport:
    """One convolution that was pruned, or that stayed dense by choice, for a latency (structure "dense").

    shape: of its weight.  structure: of its zeros, see structures.py.
    kernels: how many of the shape[0] * shape[1] have any weight left.  weights, macs: how many are kept.
    patterns: pattern -> kernels that have it.
    relative_error: mean square of the output's error on the synthetic images, before distillation, relative
        to the error that an output of zeros would have.
    residuals: ADMM's (primal, dual) at the end of each stage.  seconds: that pruning it took.
    """

    name: str
    shape: tuple[int, ...]
    structure: str
    kernels: int
    weights: int
    dense_macs: int
    macs: int
    patterns: dict[str, int]
    relative_error: float
    residuals: list[tuple[float, float]]
    seconds: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LayerReport:
        """From what JSON made of `asdict`: lists for tuples."""
        residuals = [tuple(pair) for pair in values["residuals"]]
        return cls(**{**values, "shape": tuple(values["shape"]), "residuals": residuals})

    @property
    def dense_weights(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2] * self.shape[3]

    @property
    def rate(self) -> float:
        return self.dense_weights / max(1, self.weights)


@dataclass(frozen=True)
class Times:
    """Seconds that all convolutions take in this engine, as the sum of the times of single layers."""

    dense: float
    pruned: float
    threads: int

    def __str__(self) -> str:
        unit = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"convolutions: {1e3 * self.dense:.3g} -> {1e3 * self.pruned:.3g} ms in this engine with {unit} "
            f"({self.dense / max(self.pruned, 1e-12):.2f}x), by the times of single layers"
        )


@dataclass
class PruneReport:
    """The whole run. `rate` and `mac_rate` are over all `layers`, `parameter_rate` over the whole model.

    layers: in forward order.  dense: name of another convolution -> why it was left dense.
    parameters: of the whole model, pruned ones included.
    gap: how well the images fit; None for a model without BatchNorm statistics.
    fidelity: how close the result is to the dense model.  seconds: stage -> time it took.
    times: the layer times that choices were based on; None if time was no budget.
    processes, threads: how many pruned, and torch's threads in each; with other numbers, results may round
        differently.
    """

    layers: list[LayerReport]
    dense: dict[str, str]
    parameters: int
    gap: Gap | None
    fidelity: Fidelity
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    times: Times | None = None
    processes: int = 1
    threads: int = 1

    @property
    def rate(self) -> float:
        return sum(layer.dense_weights for layer in self.layers) / max(
            1, sum(layer.weights for layer in self.layers)
        )

    @property
    def mac_rate(self) -> float:
        return sum(layer.dense_macs for layer in self.layers) / max(
            1, sum(layer.macs for layer in self.layers)
        )

    @property
    def parameter_rate(self) -> float:
        removed = sum(layer.dense_weights - layer.weights for layer in self.layers)
        return self.parameters / (self.parameters - removed)

    @property
    def extent(self) -> str:
        """In words, what the rates are over."""
        pruned = sum(layer.structure != DENSE.name for layer in self.layers)
        return f"{len(self.layers)} layers" + (f", {pruned} of them pruned" * (pruned < len(self.layers)))

    @property
    def patterns(self) -> dict[str, int]:
        """Pattern -> kernels of the whole model that have it, most frequent first."""
        counts: Counter[str] = Counter()
        for layer in self.layers:
            counts.update(layer.patterns)
        return dict(counts.most_common())

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, with the rates worked out."""
        layers = [asdict(layer) | {"rate": layer.rate} for layer in self.layers]
        rates = {"rate": self.rate, "mac_rate": self.mac_rate, "parameter_rate": self.parameter_rate}
        return asdict(self) | {"layers": layers} | rates

    def __str__(self) -> str:
        width = max(len("layer"), *(len(layer.name) for layer in self.layers))
        names = f"{'zeros':<9}  {'rate':>6}  {'MACs':>8}  {'error':>7}  patterns"
        lines = [f"{'layer':<{width}}  {'weights':>14}  {names}"]
        for layer in self.layers:
            lines.append(
                f"{layer.name:<{width}}  {'x'.join(map(str, layer.shape)):>14}  {layer.structure:<9}"
                f"  {layer.rate:>5.2f}x  {count(layer.macs):>8}  {layer.relative_error:>7.4f}"
                f"  {len(layer.patterns)}"
            )
        lines.append(
            f"{self.extent}: weights {self.rate:.2f}x fewer, MACs {self.mac_rate:.2f}x fewer; "
            f"the whole model has {self.parameter_rate:.2f}x fewer weights"
        )
        if self.times:
            lines.append(str(self.times))
        if self.dense:
            lines.append(f"left dense: {told(self.dense)}")
        if self.gap:
            gap = f"mean {self.gap.mean:.3f}, deviation {self.gap.deviation:.3f}"
            lines.append(f"BatchNorm gap of the images: {gap}")
        lines.append(f"against the dense model, {self.fidelity}")
        lines.append("seconds: " + ", ".join(f"{stage} {spent:.1f}" for stage, spent in self.seconds.items()))
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)
