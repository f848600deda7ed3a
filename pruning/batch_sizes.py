"""How many images a run uses, and how many at a time: as many as fit in memory with their feature maps."""

from __future__ import annotations

import math

from .config import PruneConfig
from .model.graph import Trace

_MOST_IMAGES, _LEAST_IMAGES = 512, 16  # unless the config says how many
_VALUES = 2**27  # most values in one map of all images; a walk holds a small multiple of it
_FEW_IMAGES = 64  # so few may take twice as much
_UNSEEN_IMAGES, _UNSEEN_PIXELS = 128, 2**23  # to compare dense and pruned on: images, pixels of all
_FEW_BATCHES = 8  # least number in a walk of many images, so that as many processes can share them
MOST_BATCHES = 16  # in a walk: each has a thread, which starts others on every core
_TRAIN_BATCH, _REFINE_BATCH = 64, 128  # images at a time, of up to _PIXELS together
_PIXELS = 2**20
_TRAIN_VALUES = 2**26  # most values in one map of such a batch: all maps are held for their gradients


def image_count(config: PruneConfig, trace: Trace) -> int:
    """As many as the config says, or as fit into memory."""
    fitting = _VALUES // trace.largest
    return config.images or max(_LEAST_IMAGES, min(_FEW_IMAGES, 2 * fitting), min(_MOST_IMAGES, fitting))


def unseen_count(input_shape: tuple[int, int, int]) -> int:
    """Number of images on which the pruned model is compared with the dense one."""
    fitting = _UNSEEN_PIXELS // (input_shape[1] * input_shape[2])
    return max(_LEAST_IMAGES, min(_UNSEEN_IMAGES, fitting))


def walk_batch(images: int, step: int) -> int:
    """Images that run through the model together, without gradients.  step: those of a training step."""
    return max(min(step, images // _FEW_BATCHES), math.ceil(images / MOST_BATCHES))


def train_batch(input_shape: tuple[int, int, int], trace: Trace) -> int:
    """Images in a step of distillation."""
    return min(_TRAIN_BATCH, max(1, _by_pixels(input_shape)), max(1, _by_values(trace)))


def refine_batch(input_shape: tuple[int, int, int], trace: Trace) -> int:
    """Images that are refined together: enough of them to estimate a channel's variance."""
    return min(_REFINE_BATCH, max(8, _by_pixels(input_shape)), max(2, _by_values(trace)))


def _by_pixels(input_shape: tuple[int, int, int]) -> int:
    return _PIXELS // (input_shape[1] * input_shape[2])


def _by_values(trace: Trace) -> int:
    return _TRAIN_VALUES // trace.largest
