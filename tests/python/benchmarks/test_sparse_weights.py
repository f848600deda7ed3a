"""The structures, by counting."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.models import sparse_weights
from benchmarks.models.sparse_weights import (
    PATTERNS,
    STRUCTURES,
    channel_mask,
    depthwise_mask,
    pattern_mask,
    unstructured_mask,
)

FILTERS, CHANNELS = 160, 48
OF_PATTERNS = [structure for structure in STRUCTURES if structure != "blocks"]


def mask_of(structure: str, rate: float = 8.0, filters: int = FILTERS, **where: int) -> np.ndarray:
    return pattern_mask(np.random.default_rng(3), filters, CHANNELS, rate, structure, **where)


def pattern_ids(mask: np.ndarray) -> np.ndarray:
    """(filters, channels): which pattern each kernel has, -1 for none. Fails on any other set of taps."""
    known = {row.tobytes(): i for i, row in enumerate(PATTERNS)} | {bytes(9): -1}
    return np.array([[known[kernel.tobytes()] for kernel in row] for row in mask])


def test_patterns_are_eight_of_four_with_the_centre() -> None:
    assert len(np.unique(PATTERNS, axis=0)) == 8
    assert (PATTERNS.sum(1) == 4).all() and PATTERNS[:, 4].all()


def test_the_kernel_benchmark_has_the_same_patterns() -> None:
    source = Path(sparse_weights.__file__).parents[1] / "cpp" / "sparse_weights.cc"
    table = re.search(r"kPatterns\[8\]\[4\] = ([^;]+);", source.read_text())
    assert table is not None
    taps = np.array(re.findall(r"\d", table[1]), int).reshape(8, 4)
    assert [np.flatnonzero(pattern).tolist() for pattern in PATTERNS] == taps.tolist()


@pytest.mark.parametrize("rate", [2.25, 4.0, 8.0, 12.0])
@pytest.mark.parametrize("structure", OF_PATTERNS)
def test_the_rate_is_kept(structure: str, rate: float) -> None:
    mask = mask_of(structure, rate)
    assert mask.shape == (FILTERS, CHANNELS, 9)
    assert mask.mean() == pytest.approx(1 / rate, rel=0.01)
    ids = pattern_ids(mask)
    assert set(np.unique(ids[ids >= 0])) == set(range(8))


@pytest.mark.parametrize(("structure", "group"), [("g2", 2), ("g4", 4), ("g16", 16)])
def test_groups_share_and_no_larger_ones_do(structure: str, group: int) -> None:
    ids = pattern_ids(mask_of(structure))
    groups = ids.reshape(-1, group, CHANNELS)
    assert (groups == groups[:, :1]).all()
    assert (groups[0::2, 0] != groups[1::2, 0]).any(axis=1).all()


def test_free_kernels_share_nothing() -> None:
    ids = pattern_ids(mask_of("g1"))
    assert len(np.unique(ids, axis=0)) == FILTERS


def test_chunks_are_multiples_of_four_of_free_filters() -> None:
    """160 filters: a block of 128 and one of 32."""
    ids = pattern_ids(mask_of("c4"))
    for block in (ids[:128], ids[128:]):
        for channel in block.T:
            counts = np.bincount(channel[channel >= 0], minlength=8)
            assert (counts % 4 == 0).all()
    assert len(np.unique(ids, axis=0)) == FILTERS  # no two filters alike


def test_mix_goes_by_the_map_and_the_stride() -> None:
    assert (mask_of("mix", map_size=14) == mask_of("g4")).all()
    assert (mask_of("mix", map_size=7) == mask_of("g16")).all()
    assert (mask_of("mix", map_size=56, stride=2) == mask_of("g16")).all()


@pytest.mark.parametrize("structure", OF_PATTERNS)
def test_filters_that_fill_no_group(structure: str) -> None:
    mask = mask_of(structure, filters=21)
    assert mask.shape == (21, CHANNELS, 9) and mask.any()
    pattern_ids(mask)


def test_less_than_patterns_alone() -> None:
    with pytest.raises(ValueError, match=r"2\.25x"):
        mask_of("g1", rate=2.0)


def test_channels_of_1x1() -> None:
    mask = channel_mask(np.random.default_rng(1), 64, 96, 4.0, "c4")
    assert mask.sum() == 64 * 96 / 4
    groups = mask.reshape(16, 4, 96)
    assert (groups == groups[:, :1]).all()
    assert len(np.unique(groups[:, 0], axis=0)) == 16


def test_depthwise_and_unstructured() -> None:
    mask = depthwise_mask(np.random.default_rng(1), 64)
    assert mask.shape == (64, 9) and (mask.sum(1) == 4).all()
    free = unstructured_mask(np.random.default_rng(1), (200, 300), 10.0)
    assert free.shape == (200, 300) and free.mean() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("filters", [FILTERS, 21])
def test_blocks_of_four_filters_keep_any_weights(filters: int) -> None:
    mask = mask_of("blocks", filters=filters)
    assert mask.shape == (filters, CHANNELS, 9)
    whole = mask[: filters // 4 * 4].reshape(-1, 4, CHANNELS, 9)
    assert (whole == whole[:, :1]).all()
    assert mask.mean() == pytest.approx(1 / 8, rel=0.03)
    rows = unstructured_mask(np.random.default_rng(1), (200, 300), 10.0, "blocks").reshape(-1, 4, 300)
    assert (rows == rows[:, :1]).all() and rows.mean() == pytest.approx(0.1, rel=0.05)
