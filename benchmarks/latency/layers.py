"""`python -m benchmarks layers`: single layers, as they run between others in a network.

A layer's time is the difference between a deep and a shallow model of such layers (models/stacks.py), divided
by the additional layers, so the edges of a model do not count. For a pair of layers, there and back, it is
the mean of both. The rival is the stock runtime on dense weights.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from patternlite.errors import PatternliteError
from patternlite.support.isolated import Isolated

from .. import plans
from ..models.files import ModelFiles, Rates
from ..models.sparse_weights import STRUCTURES
from ..models.stacks import Stack
from ..models.tflite_weights import macs
from ..results import Report, Timed
from ..timing import worker
from ..timing.neighbours import NOBODY_ELSE, Neighbours
from ..timing.protocol import Conditions, Contender, Measured, measure

STOCK, OURS = "ai-edge-litert", "patternlite in ai-edge-litert"
DENSE = "dense, stock"
ISAS = ("avx512", "avx2", "generic")
_LAYERS = 4  # that the deep model has more


@dataclass(frozen=True)
class Share:
    """A claim: the share of the core's multiply-add peak, counting only weights that are not zero."""

    must: float
    reach: float


@dataclass(frozen=True)
class LayerSet:
    """rates: None for the plan's."""

    name: str
    structures: tuple[str, ...]
    layers: tuple[Stack, ...]
    rates: Rates | None = None


@dataclass(frozen=True)
class LayerPlan:
    """claims: instruction set -> structure -> share, for 3x3 convolutions of stride 1 at these rates."""

    rates: Rates
    sets: tuple[LayerSet, ...]
    claims: Mapping[str, Mapping[str, Share]] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerTime:
    """One way to run a layer.

    microseconds: from the fastest calls.  median: over rounds.  macs: by weights that are not zero.
    kernel: the plugin's, or "stock" if it leaves the layer alone.
    share: of the peak of the cores that were used.
    speed_up: over the stock runtime with dense weights, by the fastest calls.
    state: of the claim: "reached", "met", "missed", or "" if there is none.
    """

    way: str
    microseconds: float
    median: float
    macs: float
    kernel: str
    share: float
    speed_up: float
    state: str = ""


@dataclass(frozen=True)
class LayerOutcome:
    """A layer's times.

    set: the name of the layer's set.  isa: the instruction set that the plugin used.
    peak: one core's multiply-adds per second with it, before or after the timing, whichever was more.
    times: DENSE first.
    load: the machine's load average at the end.  neighbours: what else used the cores meanwhile.
    """

    set: str
    layer: Stack
    threads: int
    isa: str
    peak: float
    times: tuple[LayerTime, ...]
    load: float
    neighbours: Neighbours = NOBODY_ELSE


@dataclass(frozen=True)
class LayerReport(Report):
    outcomes: Sequence[LayerOutcome]

    def timed(self) -> list[Timed]:
        return [Timed(f"{o.set}, {o.layer}", o.threads, o.load, o.neighbours) for o in self.outcomes]


class TooNoisyError(PatternliteError):
    """The deeper model was not slower than the shallow one."""


def read_layers(path: Path) -> LayerPlan:
    return plans.read(path, LayerPlan, _checked)


def _checked(plan: LayerPlan) -> LayerPlan:
    plans.once("set", (s.name for s in plan.sets))
    measured = [structure for s in plan.sets for structure in s.structures]
    for structure in measured:
        plans.known("structure", structure, STRUCTURES)
    for isa, shares in plan.claims.items():
        plans.known("instruction set", isa, ISAS)
        for structure in shares:
            plans.known("structure of a claim", structure, measured)
    return plan


def choose_sets(plan: LayerPlan, names: Sequence[str]) -> Iterator[tuple[LayerSet, Stack]]:
    """The layers of the sets with these names; no names means all sets."""
    for name in names:
        plans.known("set", name, [s.name for s in plan.sets])
    for s in plan.sets:
        if not names or s.name in names:
            for layer in s.layers:
                yield s, layer


def run_layer(
    plan: LayerPlan,
    of: LayerSet,
    layer: Stack,
    conditions: Conditions,
    files: ModelFiles,
    progress: Callable[[float], None] = lambda fraction: None,
) -> LayerOutcome:
    shallow, deep = layer, replace(layer, depth=layer.depth + _LAYERS)
    paths: dict[tuple[str, Stack], Path] = {}
    for stack in (shallow, deep):
        paths[DENSE, stack] = files.dense(stack)
        for structure in of.structures:
            paths[structure, stack] = files.pruned(stack, structure, of.rates or plan.rates)
    contenders = [
        Contender(f"{way} {stack}", STOCK if way == DENSE else OURS, path, path.name)
        for (way, stack), path in paths.items()
    ]
    witnesses = [Contender(f"stock, {c.label}", STOCK, c.path, c.model) for c in contenders]
    isa, before = _peak(conditions)
    measured, neighbours = measure(contenders, conditions, progress, witnesses)
    load = os.getloadavg()[0]
    peak = max(before, _peak(conditions)[1])
    count = _LAYERS * layer.convolutions
    times: list[LayerTime] = []
    claims = plan.claims.get(isa, {}) if of.rates is None and (layer.kernel, layer.stride) == (3, 1) else {}
    for way in (DENSE, *of.structures):
        spent = _difference(measured[f"{way} {shallow}"], measured[f"{way} {deep}"])
        microseconds, median = (total / count for total in spent)
        kept = [macs(bytearray(paths[way, stack].read_bytes())) for stack in (shallow, deep)]
        layer_macs = (kept[1] - kept[0]) / count
        share = layer_macs / (microseconds * 1e-6) / peak / conditions.threads
        times.append(
            LayerTime(
                way,
                microseconds,
                median,
                layer_macs,
                "+".join(measured[f"{way} {deep}"].kernels) or "stock",
                share,
                (times[0].microseconds if times else microseconds) / microseconds,
                _state(claims.get(way), share) if conditions.threads == 1 else "",
            )
        )
    return LayerOutcome(of.name, layer, conditions.threads, isa, peak, tuple(times), load, neighbours)


def _difference(shallow: Measured, deep: Measured) -> tuple[float, float]:
    """How many microseconds longer the deep model takes: by the fastest calls, and the median over rounds.

    Raises TooNoisyError if its fastest call is not slower.
    """
    fastest = deep.timing.minimum - shallow.timing.minimum
    if fastest <= 0:
        raise TooNoisyError(
            f"{deep.label} ran no longer than {shallow.label}: too noisy; give more --seconds, "
            "or measure when nothing else runs"
        )
    rounds = [d - s for s, d in zip(shallow.rounds, deep.rounds, strict=True)]
    return 1e3 * fastest, 1e3 * statistics.median(rounds)


def _peak(conditions: Conditions) -> tuple[str, float]:
    with Isolated() as process:
        process.call(worker.pin, conditions.cores)
        return process.call(worker.fma_peak)


def _state(claim: Share | None, share: float) -> str:
    if claim is None:
        return ""
    return "reached" if share >= claim.reach else "met" if share >= claim.must else "missed"
