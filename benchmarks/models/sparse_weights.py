"""Random masks with the structures that pruning can give a layer, keeping an exact share of its weights.

A 3x3 kernel keeps 4 of its 9 weights, in one of 8 patterns; most kernels are removed altogether. How filters
share these choices is the structure:

    "g1"            each kernel by itself, as published
    "g2" "g4" "g16" groups of consecutive filters use the same input channels in the same patterns
    "c4"            kernels of one (input channel, pattern) come in fours within a block of 128 filters; which
                    filters these are is free, and different for every channel
    "mix"           "g16" where maps are small or the stride is 2, else "g4"
    "blocks"        no patterns: 4 consecutive filters keep the same weights; pruning calls it "b4", and MNN's
                    own sparse kernels need it
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

TAPS, PATTERN_TAPS = 9, 4
# Taps are numbered 3 * row + column. The same eight as in cpp/sparse_weights.cc.
PATTERNS = np.zeros((8, TAPS), bool)
for _row, _taps in zip(
    PATTERNS,
    (
        (0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8),
        (1, 3, 4, 5), (1, 4, 5, 7), (3, 4, 5, 7), (1, 3, 4, 7),
    ),
    strict=True,
):  # fmt: skip
    _row[list(_taps)] = True

_SMALL_MAP = 8
_CHUNK, _CHUNK_BLOCK = 4, 128
_GROUPS = {"g1": 1, "g2": 2, "g4": 4, "g16": 16}
_FREE_BLOCK = 4
STRUCTURES = (*_GROUPS, "c4", "mix", "blocks")


def pattern_mask(
    rng: np.random.Generator,
    filters: int,
    channels: int,
    rate: float,
    structure: str,
    *,
    map_size: int = 56,
    stride: int = 1,
) -> Mask:
    """bool (filters, channels, 9), True where a weight stays: 1/rate of the weights, up to rounding.

    rate: at least 9/4, which patterns alone give.  map_size: the smaller side of the output map.
    """
    if structure == "mix":
        structure = "g16" if map_size <= _SMALL_MAP or stride > 1 else "g4"
    if structure == "blocks":
        return _blocks(rng, (filters, channels, TAPS), rate)
    kept = TAPS / PATTERN_TAPS / rate
    if kept > 1:
        raise ValueError(f"patterns alone remove {TAPS / PATTERN_TAPS}x; a rate of {rate} is less")
    if structure == "c4":
        return _chunked(rng, filters, channels, kept)
    group = _GROUPS[structure]
    choices = _pick_patterns(rng, _exactly(rng, kept, (-(-filters // group), channels)))
    return np.repeat(choices, group, axis=0)[:filters]


def channel_mask(rng: np.random.Generator, filters: int, channels: int, rate: float, structure: str) -> Mask:
    """bool (filters, channels) for 1x1; in "c4" and "mix" groups of 4 filters share channels."""
    group = _GROUPS.get(structure, 4)
    return np.repeat(_exactly(rng, 1 / rate, (-(-filters // group), channels)), group, axis=0)[:filters]


def depthwise_mask(rng: np.random.Generator, channels: int) -> Mask:
    """bool (channels, 9): each kernel has one of the patterns."""
    return PATTERNS[rng.integers(len(PATTERNS), size=channels)]


def unstructured_mask(
    rng: np.random.Generator, shape: tuple[int, ...], rate: float, structure: str = "g1"
) -> Mask:
    """bool (filters, ...): random weights stay, alone or in "blocks"; 1/rate of them on average."""
    block = _FREE_BLOCK if structure == "blocks" else 1
    blocks = rng.random((-(-shape[0] // block), *shape[1:]), np.float32) < 1 / rate
    return np.repeat(blocks, block, axis=0)[: shape[0]]


def _blocks(rng: np.random.Generator, shape: tuple[int, int, int], rate: float) -> Mask:
    filters, channels, taps = shape
    choices = _exactly(rng, 1 / rate, (-(-filters // _FREE_BLOCK), channels * taps))
    return np.repeat(choices, _FREE_BLOCK, axis=0)[:filters].reshape(shape)


def _exactly(rng: np.random.Generator, share: float, shape: tuple[int, int]) -> Mask:
    """True at random places, exactly `share` of them."""
    places = np.zeros(shape[0] * shape[1], bool)
    places[rng.permutation(len(places))[: round(share * len(places))]] = True
    return places.reshape(shape)


def _pick_patterns(rng: np.random.Generator, kept: Mask) -> Mask:
    return PATTERNS[rng.integers(len(PATTERNS), size=kept.shape)] & kept[..., None]


def _chunked(rng: np.random.Generator, filters: int, channels: int, kept: float) -> Mask:
    mask = np.zeros((filters, channels, TAPS), bool)
    for start in range(0, filters, _CHUNK_BLOCK):
        block = mask[start : start + _CHUNK_BLOCK]
        chunks = _pick_patterns(rng, _exactly(rng, kept, (channels, -(-len(block) // _CHUNK))))
        for channel in range(channels):
            order = rng.permutation(len(block))
            block[order, channel] = np.repeat(chunks[channel], _CHUNK, axis=0)[: len(block)]
    return mask
