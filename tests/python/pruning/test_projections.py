"""Each projection: its counts, that it ends where it is, and on small cases that nothing is nearer."""

from __future__ import annotations

from itertools import combinations, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternlite.pruning.patterns import candidates
from patternlite.pruning.structures import CODESIGN, DENSE, OTHERS, STRUCTURES, VARIED, cluster, distinct

CHUNKED = [structure for structure in CODESIGN if structure.chunks]
PATTERNED = [structure for structure in CODESIGN if structure.kept == "pattern" and not structure.chunks]


def drawn(seed: int, filters: int, channels: int, taps: int = 9) -> torch.Tensor:
    return torch.randn(filters, channels, taps, generator=torch.Generator().manual_seed(seed))


def some_library(seed: int, count: int = 8) -> torch.Tensor:
    return candidates()[torch.randperm(56, generator=torch.Generator().manual_seed(seed))[:count]]


@pytest.mark.parametrize("structure", [*CODESIGN, VARIED, *OTHERS], ids=lambda s: s.name)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20), filters=st.integers(1, 20), channels=st.integers(1, 6), data=st.data())
def test_a_projection_keeps_its_counts_and_is_idempotent(structure, seed, filters, channels, data):
    weight, library = drawn(seed, filters, channels), some_library(seed)
    count = data.draw(st.integers(1, structure.tiles(weight.shape)))
    constraint = structure.constraint(count, library, structure.order(weight, library))
    mask = constraint.project(weight)
    assert mask.shape == weight.shape
    assert mask.dtype == torch.bool
    assert torch.equal(constraint.project(weight * mask), mask)
    most = count * structure.tile_weights(weight.shape, library)
    assert 0 <= int(mask.sum()) <= most
    rate = float(structure.rate(weight.shape, library, torch.tensor([count])))
    assert int(mask.sum()) * rate <= mask.numel() * (1 + 1e-9)
    assert structure.count(weight.shape, library, rate) == count
    assert mask.any() or structure is VARIED  # whose patterns may all be larger than `count`
    divides = filters % min(structure.filters, filters) == 0 == channels % min(structure.channels, channels)
    if divides and not structure.chunks and structure is not VARIED:
        assert int(mask.sum()) == most
    if structure.kept == "pattern":
        kernels = mask.flatten(0, 1)[mask.flatten(0, 1).any(1)]
        assert (kernels[:, None] == library).all(2).any(1).all()


@pytest.mark.parametrize(("rate", "count"), [(2.25, 16), (2.4, 14), (4.0, 6), (1000.0, 1)])
def test_smaller_tiles_at_the_end_count_as_what_they_are(rate, count):
    """24 filters in groups of 16 and 8, of 8 channels; 4 of 9 taps stay."""
    assert STRUCTURES["g16"].count(torch.Size((24, 8, 3, 3)), some_library(0), rate) == count


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alike", [False, True])
def test_no_choice_of_varied_patterns_is_nearer(seed, alike):
    weight = drawn(seed, 2, 2, taps=3)
    if alike:
        weight = weight.sign()  # every price is a tie
    library = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]]).bool()
    choices = torch.cat([torch.zeros(1, 3, dtype=torch.bool), library])
    for count in range(1, 13):
        mask = STRUCTURES["varied"].constraint(count, library).project(weight)
        kept = int(mask.sum())
        assert count - 3 < kept <= count
        members = (
            torch.stack([choices[c] for c in four]).view(2, 2, 3) for four in product(range(5), repeat=4)
        )
        least = nearest(weight, (member for member in members if int(member.sum()) <= kept))
        assert float((weight - weight * mask).norm()) == pytest.approx(least, rel=1e-6)
        assert (mask[..., None, :] == choices).all(3).any(2).all()


def nearest(weight: torch.Tensor, members) -> float:
    """The least distance of any of these supports."""
    return min(float((weight - weight * mask).norm()) for mask in members)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("group", [1, 2])
def test_no_choice_of_kernels_and_patterns_is_nearer(seed, group):
    weight, library = drawn(seed, 2 * group, 2), some_library(seed, 3)
    structure = next(s for s in PATTERNED if s.filters == group)
    order = structure.order(weight, library)
    nothing = torch.zeros(9, dtype=torch.bool)

    def members():
        for choice in product(range(4), repeat=4):  # a pattern or nothing, of each tile
            if sum(c < 3 for c in choice) == 2:
                tiles = torch.stack([library[c] if c < 3 else nothing for c in choice]).view(2, 2, 9)
                mask = torch.empty(2 * group, 2, 9, dtype=torch.bool)
                mask[torch.arange(2 * group) if order is None else order] = tiles.repeat_interleave(group, 0)
                yield mask

    found = structure.constraint(2, library, order).project(weight)
    assert float((weight - weight * found).norm()) == pytest.approx(nearest(weight, members()), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "tile"),
    [
        ("irregular", lambda f, c, t: (f, c, t)),
        ("filter", lambda f, c, t: f),
        ("column", lambda f, c, t: (c, t)),
        ("block", lambda f, c, t: (f // 8, c // 4, t)),
    ],
)
def test_no_choice_of_tiles_is_nearer(seed, name, tile):
    weight = drawn(seed, 10, 5, taps=2) if name == "block" else drawn(seed, 3, 2, taps=2)
    tile_of = torch.empty(weight.shape, dtype=torch.long)
    numbers: dict[object, int] = {}
    for place in product(*map(range, weight.shape)):
        tile_of[place] = numbers.setdefault(tile(*place), len(numbers))
    structure = STRUCTURES[name]
    library = torch.ones(1, 2, dtype=torch.bool)
    assert len(numbers) == structure.tiles(weight.shape)
    count = min(3, len(numbers) - 1)
    members = (torch.isin(tile_of, torch.tensor(kept)) for kept in combinations(range(len(numbers)), count))
    found = structure.constraint(count, library).project(weight)
    assert float((weight - weight * found).norm()) == pytest.approx(nearest(weight, members), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_no_choice_of_weights_that_a_block_shares_is_nearer(seed):
    weight, structure = drawn(seed, 5, 2, taps=2), STRUCTURES["b2"]
    library = torch.ones(1, 2, dtype=torch.bool)
    order = structure.order(weight, library)
    assert sorted(order.tolist()) == list(range(5))
    places = list(product(order.split(2), range(2), range(2)))

    def members():
        for kept in combinations(places, 4):
            mask = torch.zeros(weight.shape, dtype=torch.bool)
            for block, channel, tap in kept:
                mask[block, channel, tap] = True
            yield mask

    assert structure.tiles(weight.shape) == len(places)
    found = structure.constraint(4, library, order).project(weight)
    assert float((weight - weight * found).norm()) == pytest.approx(nearest(weight, members()), rel=1e-6)


def test_where_kernels_have_one_tap_blocks_are_groups():
    one, nine = torch.ones(1, 1, dtype=torch.bool), some_library(0)
    assert [s.name for s in distinct(CODESIGN, one)] == ["free", "c2", "c4", "g2", "g4", "g16"]
    assert distinct(CODESIGN, nine) == list(CODESIGN)
    assert distinct([STRUCTURES["b4"]], one) == [STRUCTURES["b4"]]


@pytest.mark.parametrize("structure", CHUNKED, ids=lambda s: s.name)
@pytest.mark.parametrize("filters", [8, 128, 300])
def test_chunks_come_in_multiples(structure, filters):
    weight, library = drawn(filters, filters, 3), some_library(0)
    whole = structure.tiles(weight.shape)
    for count in (1, whole // 3, whole):
        mask = structure.constraint(count, library).project(weight)
        if filters % structure.filters == 0:
            assert int(mask.sum()) == count * structure.filters * 4
        for block in mask.split(128):
            kernels = (block[:, :, None] == library).all(3)  # (filters of the block, channels, patterns)
            assert not (kernels.sum(0) % structure.filters).any()


@pytest.mark.parametrize("structure", CHUNKED, ids=lambda s: s.name)
@pytest.mark.parametrize("more", [1, 3])
def test_filters_too_few_for_a_chunk_of_their_own_join_others(structure, more):
    weight, library = drawn(0, 128 + more, 6), some_library(0)
    mask = structure.constraint(structure.tiles(weight.shape), library).project(weight)
    assert mask.flatten(1).any(1).all()
    kernels = mask.any(2).sum(0)
    assert (kernels == (128 + more) // structure.filters * structure.filters).all()


@pytest.mark.parametrize("seed", range(8))
def test_chunks_are_close_to_the_nearest(seed):
    """By every partition of six kernels into pairs of any of three patterns, two of the three pairs kept."""
    weight, library = drawn(seed, 6, 1), some_library(seed, 3)
    energies = weight[:, 0].square() @ library.T.float()
    pairs = [(a, b) for a, b in combinations(range(6), 2)]
    best = max(
        float(energies[list(p)].sum(0).max() + energies[list(q)].sum(0).max())
        for p, q in combinations(pairs, 2)
        if not set(p) & set(q)
    )
    mask = STRUCTURES["c2"].constraint(2, library).project(weight)
    assert 0.85 * best < float((weight * mask).square().sum()) <= best * (1 + 1e-6)


def test_filters_that_are_alike_are_found():
    kinds = torch.rand(4, 5, 8) ** 4
    shuffled = torch.randperm(16)
    energies = (kinds.repeat(4, 1, 1) * torch.rand(16, 1, 1).add(0.5))[shuffled]
    groups = (shuffled[cluster(energies, 4)] % 4).view(4, 4)
    assert (groups == groups[:, :1]).all()


def test_a_dense_layer_keeps_everything():
    weight = drawn(0, 4, 3)
    assert DENSE.tiles(weight.shape) == 1
    assert DENSE.constraint(1, some_library(0)).project(weight).all()
