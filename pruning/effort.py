"""How much work a run is, in floating-point operations: what progress bars and memory bounds go by."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import fidelity, sensitivity
from .codesign import structures_of
from .config import PruneConfig
from .layers import ROWS
from .model.graph import Site, Trace
from .structures import Structure

_MOST_IMAGES, _LEAST_IMAGES = 512, 16  # unless the config says how many
_VALUES = 2**27  # of one map of all images, at most: what a walk holds is a small multiple of it
_FEW_IMAGES = 64  # that may take twice as much
_FEW_BATCHES = 8  # of a walk: so many processes can share any images
MOST_BATCHES = 16  # each has a thread, which has others on every core
_TRAIN_BATCH, _REFINE_BATCH = 64, 128  # images at a time, of up to _PIXELS together
_PIXELS = 2**20
_TRAIN_VALUES = 2**26  # of one map of such a batch, at most: all maps are held for their gradients
_TIMING = 2e12  # about 20 seconds of a core
_DRAW = 5_000  # operations a value of an image takes to draw


def image_count(config: PruneConfig, trace: Trace) -> int:
    """As many as the config says, or as fit into the memory."""
    fitting = _VALUES // trace.largest
    return config.images or max(_LEAST_IMAGES, min(_FEW_IMAGES, 2 * fitting), min(_MOST_IMAGES, fitting))


def walk_batch(images: int, step: int) -> int:
    """Images that run through the model together, without gradients.  step: those that it learns from."""
    return max(min(step, images // _FEW_BATCHES), math.ceil(images / MOST_BATCHES))


def train_batch(input_shape: tuple[int, int, int], trace: Trace) -> int:
    """Images that a step of distillation learns from."""
    return min(_TRAIN_BATCH, max(1, _by_pixels(input_shape)), max(1, _by_values(trace)))


def refine_batch(input_shape: tuple[int, int, int], trace: Trace) -> int:
    """Images that are refined together: enough positions to estimate a channel's variance."""
    return min(_REFINE_BATCH, max(8, _by_pixels(input_shape)), max(2, _by_values(trace)))


def _by_pixels(input_shape: tuple[int, int, int]) -> int:
    return _PIXELS // (input_shape[1] * input_shape[2])


def _by_values(trace: Trace) -> int:
    return _TRAIN_VALUES // trace.largest


def costs(
    config: PruneConfig, trace: Trace, images: int, input_shape: tuple[int, int, int]
) -> dict[str, float | dict[str, float]]:
    """Stage -> operations, by layer where it goes layer by layer."""
    forward = 2.0 * trace.macs  # per image; a step of training is three of them
    return {
        "time": _TIMING * ("latency" in config.budgets),
        "draw": float(images * math.prod(input_shape) * _DRAW),
        "refine": images * config.refine_steps * 3 * forward * bool(trace.norms),
        "measure": {
            site.name: _study(site, structures_of(config)) + images * forward / len(trace.sites)
            for site in trace.sites
        },
        "prune": {site.name: _prune(site) + 2 * images * forward / len(trace.sites) for site in trace.sites},
        "distill": config.distill_steps * train_batch(input_shape, trace) * 4 * forward,
        "compare": fidelity.IMAGES * (math.prod(input_shape) * _DRAW + 2 * forward),
    }


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
