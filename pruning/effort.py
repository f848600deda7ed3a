"""How much work each stage of a run is, for progress bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import sensitivity
from .batch_sizes import train_batch, unseen_count
from .codesign import structures_of
from .config import PruneConfig
from .layers import ROWS
from .model.graph import Site, Trace
from .structures import Structure

_TIMING = 5e12  # about 10 seconds
_DRAW = 5_000  # operations to draw one value of an image
# How many times longer an operation takes than in refining, which consists of large products; measured on the
# shipped ResNet-18 and a U-Net for 64x64 pixels, on two cores.
_SLOWER = {"draw": 13.0, "measure": 6.0, "prune": 4.0, "distill": 2.3, "compare": 2.0}


def costs(
    config: PruneConfig, trace: Trace, images: int, input_shape: tuple[int, int, int]
) -> dict[str, float | dict[str, float]]:
    """Stage, in order -> its cost in operations of refining, or a mapping by layer if it goes by layers."""
    forward = 2.0 * trace.macs  # per image; a step of training is three of them
    measure: float | dict[str, float] = images * forward * bool(trace.norms)
    if config.allocation == "adaptive":
        structures = structures_of(config)
        measure = {
            site.name: _study(site, structures) + images * forward / len(trace.sites) for site in trace.sites
        }
    operations: dict[str, float | dict[str, float]] = {
        "time": _TIMING * ("latency" in config.budgets),
        "draw": float(images * math.prod(input_shape) * _DRAW),
        "refine": images * config.refine_steps * 3 * forward * bool(trace.norms),
        "measure": measure,
        "prune": {site.name: _prune(site) + 2 * images * forward / len(trace.sites) for site in trace.sites},
        "distill": config.distill_steps * train_batch(input_shape, trace) * 4 * forward,
        "compare": unseen_count(input_shape) * (math.prod(input_shape) * _DRAW + 2 * forward),
    }
    return {stage: _scaled(count, _SLOWER.get(stage, 1.0)) for stage, count in operations.items()}


def _scaled(count: float | dict[str, float], factor: float) -> float | dict[str, float]:
    if isinstance(count, dict):
        return {layer: factor * part for layer, part in count.items()}
    return factor * count


def _study(site: Site, structures: Sequence[Structure]) -> float:
    filters = min(1.0, sensitivity.FILTERS / site.conv.out_channels)
    curves = sensitivity.POINTS * sensitivity.STEPS * _product(site) * filters
    return _gram(site) + len(structures) * curves


def _prune(site: Site) -> float:
    width = site.conv.weight[0].numel()
    return _gram(site) + site.conv.groups * 8 * width**3 / 3 + 200 * _product(site)


def _gram(site: Site) -> float:
    return 2.0 * ROWS * site.conv.groups * site.conv.weight[0].numel() ** 2


def _product(site: Site) -> float:
    """All filters times the Gram matrix."""
    return 2.0 * site.conv.weight.numel() * site.conv.weight[0].numel()
