"""Random weights of small layers."""

from __future__ import annotations

import numpy as np


def pattern_weights(
    rng: np.random.Generator, filters: int, size: int, channels: int, *, taps: int = 4, kept: float = 0.4
) -> np.ndarray:
    """(O, H, W, I) weights of which each kernel keeps one of eight patterns, or nothing at all."""
    patterns = [rng.permutation(size * size)[:taps] for _ in range(8)]
    weights = np.zeros((filters, size * size, channels), np.float32)
    for o in range(filters):
        for i in range(channels):
            if rng.random() < kept:
                weights[o, patterns[rng.integers(8)], i] = rng.normal(size=taps)
    scale = np.float32(np.sqrt(taps * kept * channels))
    return weights.reshape(filters, size, size, channels) / scale


def depthwise_weights(
    rng: np.random.Generator, size: int, channels: int, *, taps: int = 4, kept: float = 0.9
) -> np.ndarray:
    """(1, H, W, C) weights, each kernel with a pattern, some with no weight at all."""
    return pattern_weights(rng, channels, size, 1, taps=taps, kept=kept).transpose(3, 1, 2, 0)


def bias_of(rng: np.random.Generator, filters: int) -> np.ndarray:
    return rng.normal(size=filters).astype(np.float32)
