"""Pattern libraries: which candidates there are, and which are chosen."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from patternlite.pruning import patterns
from patternlite.pruning.codesign import libraries_of
from patternlite.pruning.config import PruneConfig
from patternlite.pruning.patterns import candidates, choose_library, entries, histogram
from patternlite.pruning.structures import VARIED
from patternlite.pruning.varied import choose_varied_library


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
    assert histogram(mask[:, :, :1, None]) == {"1": 2}


@pytest.mark.parametrize(("taps", "kept"), [(1, 1), (3, 3), (9, 4), (25, 8), (49, 16)])
def test_patterns_of_every_size(taps, kept):
    assert entries(taps) == kept
    side = int(taps**0.5) if taps != 3 else 3
    weight = torch.randn(6, 5, side, taps // side)
    library = choose_library([weight], 4)
    assert library.shape == (1 if kept == taps else 4, taps)
    assert (library.sum(1) == kept).all()
    assert library[:, taps // 2].all()
    assert len(library.unique(dim=0)) == len(library)


def test_a_large_kernels_library_is_found_among_what_kernels_choose():
    wanted = torch.zeros(2, 25, dtype=torch.bool)
    wanted[0, 8:16], wanted[1, 3:24:3] = True, True
    wanted[1, 12] = True
    weight = wanted[torch.tensor([0, 1, 0, 0, 1, 0])].float().view(3, 2, 5, 5)
    library = choose_library([weight + 0.01 * torch.rand(weight.shape)], 2)
    assert int((library[:, None] & wanted).sum(2).max(1).values.min()) >= 7


@pytest.mark.parametrize(
    ("structure", "patterns", "counts"),
    [
        ("free", None, (8, 1, 8)),
        ("free", 2, (2, 1, 2)),
        ("varied", None, (16, 1, 16)),
        ("varied", 12, (12, 1, 12)),
    ],
)
def test_each_kernel_size_has_its_library(structure, patterns, counts):
    config = PruneConfig(rate=3.0, structure=structure, patterns=patterns, mean=(0.5,), std=(0.5,))
    libraries = libraries_of(config, [torch.randn(8, 8, k, k) for k in (3, 1, 3, 5)])
    assert {size: len(library) for size, library in libraries.items()} == dict(
        zip(((3, 3), (1, 1), (5, 5)), counts, strict=True)
    )


def test_a_varied_library_is_what_the_kernels_need():
    wanted = torch.tensor([[1] * 9, [0, 1, 0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0]]).bool()
    counts = torch.tensor([0] * 8 + [1] * 4 + [2] * 4 + [3] * 20)
    kernels = torch.cat([wanted, torch.zeros(1, 9, dtype=torch.bool)])[counts].float()
    weight = (kernels + 0.01 * torch.rand(kernels.shape)).view(6, 6, 3, 3)
    library = choose_varied_library([weight, 1000 * weight], 3, kernels.numel() / float(kernels.sum()))
    assert {tuple(row) for row in library.tolist()} == {tuple(row) for row in wanted.tolist()}


@pytest.mark.parametrize("size", [0.0, 0.1])
def test_where_weights_are_all_alike_a_varied_library_is_whole_kernels(size):
    weight = size * torch.ones(6, 4, 3, 3)
    assert choose_varied_library([weight, -weight], 16, 4.0).tolist() == [[True] * 9]


def test_the_library_of_a_large_network_is_found_in_some_of_its_kernels(monkeypatch):
    weights = [torch.randn(40, 40, 3, 3, generator=torch.Generator().manual_seed(0))]
    whole = choose_library(weights, 8)
    monkeypatch.setattr(patterns, "_MOST_WORTHS", 56 * 400)  # a quarter of the kernels
    seen = []
    cover = patterns.cover
    monkeypatch.setattr(
        patterns, "cover", lambda worth, count: seen.append(worth.shape) or cover(worth, count)
    )
    some = choose_library(weights, 8)
    assert seen == [(400, 56)]
    assert some.shape == whole.shape


def test_layers_may_keep_most_of_their_weights_whatever_patterns_kernels_choose():
    random = torch.Generator().manual_seed(0)
    weight = 0.01 * torch.randn(32, 32, 3, 3, generator=random)
    large = torch.rand(32 * 32, 9, generator=random).topk(2)
    weight.view(-1, 9).scatter_(1, large.indices, 1 + large.values)
    library = choose_varied_library([weight], 16, 6.0)
    assert len(library) == 16
    for rate in (1.1, 2.0):
        count = VARIED.count(weight.shape, library, rate)
        mask = VARIED.constraint(count, library).project(weight.flatten(2))
        assert mask.numel() / int(mask.sum()) == pytest.approx(rate, rel=0.01)
