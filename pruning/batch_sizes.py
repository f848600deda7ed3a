"""How many images a run takes, and how many at a time: as many as their maps leave memory for."""

from __future__ import annotations

import math

from .config import PruneConfig
from .model.graph import Trace

_MOST_IMAGES, _LEAST_IMAGES = 512, 16  # unless the config says how many
_VALUES = 2**27  # of one map of all images, at most: what a walk holds is a small multiple of it
_FEW_IMAGES = 64  # that may take twice as much
_UNSEEN_IMAGES, _UNSEEN_PIXELS = 128, 2**23  # that dense and pruned model are compared on; of all of them
_FEW_BATCHES = 8  # of a walk: so many processes can share any images
MOST_BATCHES = 16  # each has a thread, which has others on every core
_TRAIN_BATCH, _REFINE_BATCH = 64, 128  # images at a time, of up to _PIXELS together
_PIXELS = 2**20
_TRAIN_VALUES = 2**26  # of one map of such a batch, at most: all maps are held for their gradients


def image_count(config: PruneConfig, trace: Trace) -> int:
    """As many as the config says, or as fit into the memory."""
    fitting = _VALUES // trace.largest
    return config.images or max(_LEAST_IMAGES, min(_FEW_IMAGES, 2 * fitting), min(_MOST_IMAGES, fitting))


def unseen_count(input_shape: tuple[int, int, int]) -> int:
    """Images that the pruned model is compared with the dense one on."""
    fitting = _UNSEEN_PIXELS // (input_shape[1] * input_shape[2])
    return max(_LEAST_IMAGES, min(_UNSEEN_IMAGES, fitting))


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
