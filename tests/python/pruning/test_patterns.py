from __future__ import annotations

from itertools import combinations, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternlite.pruning.patterns import candidates, choose_library, histogram
from patternlite.pruning.projections import project


def test_the_candidates_are_all_centre_plus_three():
    others = (0, 1, 2, 3, 5, 6, 7, 8)
    expected = {tuple(tap == 4 or tap in taps for tap in range(9)) for taps in combinations(others, 3)}
    assert {tuple(row) for row in candidates().tolist()} == expected
    assert len(expected) == 56


def test_the_library_is_what_the_kernels_need():
    wanted = candidates()[[0, 10, 40]]
    counts = torch.tensor([0] * 16 + [1] * 8 + [2] * 4)  # uneven: greedy cover is exact here
    library = choose_library([wanted[counts].float().view(7, 4, 3, 3)], 3)
    assert torch.equal(library, wanted)


def test_every_layer_has_the_same_say():
    loud, quiet = candidates()[[0]], candidates()[[55]]
    layers = [1000 * loud.float().repeat(64, 1).view(8, 8, 3, 3), quiet.float().repeat(4, 1).view(2, 2, 3, 3)]
    library = choose_library(layers, 2)
    assert {tuple(r) for r in library.tolist()} == {tuple(loud[0].tolist()), tuple(quiet[0].tolist())}


def test_a_histogram_reads_as_rows():
    mask = torch.zeros(2, 2, 9, dtype=torch.bool)
    mask[0, :] = candidates()[0]
    assert histogram(mask.view(2, 2, 3, 3)) == {"111/010/000": 2}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**20), filters=st.integers(1, 6), inputs=st.integers(1, 6), data=st.data())
def test_a_projection_keeps_its_counts_and_is_idempotent(seed, filters, inputs, data):
    generator = torch.Generator().manual_seed(seed)
    kernels = data.draw(st.integers(1, filters * inputs))
    library = candidates()[torch.randperm(56, generator=generator)[:8]]
    weight = torch.randn(filters, inputs * 9, generator=generator)
    mask = project(weight, library, kernels)
    assert int(mask.sum()) == 4 * kernels
    used = mask.view(-1, 9)[mask.view(-1, 9).any(1)]
    assert len(used) == kernels
    assert all(any(torch.equal(row, pattern) for pattern in library) for row in used)
    assert torch.equal(project(weight * mask, library, kernels), mask)


@pytest.mark.parametrize("seed", range(5))
def test_a_projection_is_the_nearest_point(seed):
    generator = torch.Generator().manual_seed(seed)
    library = candidates()[torch.randperm(56, generator=generator)[:3]]
    weight = torch.randn(2, 2 * 9, generator=generator)
    distances = []
    for choice in product(range(4), repeat=4):  # a pattern or nothing for each of the four kernels
        if sum(c < 3 for c in choice) == 2:
            mask = torch.stack([library[c] if c < 3 else torch.zeros(9, dtype=torch.bool) for c in choice])
            distances.append(float((weight - weight * mask.view(2, 18)).norm()))
    best = float((weight - weight * project(weight, library, 2)).norm())
    assert best == pytest.approx(min(distances), rel=1e-6)
