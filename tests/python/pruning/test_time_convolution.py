"""What the engine itself tells of times: whose they are, and those of single convolutions."""

from __future__ import annotations

import re

import numpy as np
import pytest

from patternlite.support.native import load_native


def test_the_engine_tells_its_sources_and_the_cpu():
    native = load_native()
    assert re.fullmatch(r"\d+\.\d+\.\d+ [0-9a-f]{16}", native.engine_build())
    assert re.search(r"\(.+\)$", native.cpu_model())  # numbers: names may be those of many models


def test_the_engine_times_convolutions():
    native = load_native()
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((8, 4, 3, 3), np.float32)
    for stride, padding, threads in (((1, 1), (1, 1), 1), ((2, 2), (1, 1), 2), ((1, 1), (0, 0), 1)):
        size = tuple((10 + 2 * p - 3) // s + 1 for s, p in zip(stride, padding, strict=True))
        seconds, kernel = native.time_convolution(
            weight, (10, 10), size, stride, (1, 1), padding, False, threads, 0.002
        )
        assert 0 < seconds < 1
        assert kernel in {"os-g1", "os-g2", "os-g4", "bc-g16", "is"}
    pointwise, depthwise = weight[:, :, :1, :1].copy(), weight[:, :1].copy()
    assert native.time_convolution(pointwise, (9, 9), (5, 5), (2, 2), (1, 1), (0, 0), False, 1, 0.001)[0] > 0
    assert native.time_convolution(depthwise, (9, 9), (9, 9), (1, 1), (1, 1), (1, 1), True, 1, 0.001)[0] > 0
    with pytest.raises(ValueError, match="threads"):
        native.time_convolution(weight, (9, 9), (9, 9), (1, 1), (1, 1), (1, 1), False, 0, 0.001)
    with pytest.raises(ValueError, match="empty"):
        native.time_convolution(weight, (0, 0), (0, 0), (1, 1), (1, 1), (1, 1), False, 1, 0.001)
