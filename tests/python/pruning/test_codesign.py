"""Budgets that cannot be had, alone or together: with times and errors made up."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from patternlite.pruning import PruneConfig, codesign
from patternlite.pruning.budget import Choice
from patternlite.pruning.graph import trace
from patternlite.pruning.latency import LayerTimes
from patternlite.pruning.sensitivity import Curve

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
FAST, SLOW = [(1 / 45, 0.1), (1 / 2.25, 0.4)], [(1 / 45, 1.5), (1 / 2.25, 1.8)]  # of 1 second dense


def chosen(*points: list[tuple[float, float]], width: int = 64, **budgets) -> list[Choice]:
    """Of a stem that takes no time and a layer for each of `points`, of the same size."""
    config = PruneConfig(**budgets, **UNIT)
    layers = [nn.Conv2d(3, width, 3, padding=1), *(nn.Conv2d(width, width, 3, padding=1) for _ in points)]
    found = trace(nn.Sequential(*layers), (3, 8, 8))
    libraries = codesign.libraries_of(config, [site.conv.weight for site in found.sites])
    names = [structure.name for structure in codesign.structures_of(config)]
    curve = Curve(torch.tensor([2.25, 10.0, 45.0]).double(), torch.tensor([0.01, 0.1, 0.5]).double())
    curves = {site.name: dict.fromkeys(names, curve) for site in found.sites}
    times = {
        site.name: LayerTimes(1.0, dict.fromkeys(names, at))
        for site, at in zip(found.sites, points, strict=True)
    }
    times |= {site.name: LayerTimes(1e-6, {}) for site in found.left}
    timed = times if config.latency else None
    return list(codesign.choose(config, found, libraries, curves, timed).values())


def test_a_layer_that_gains_no_time_stays_dense_for_a_latency():
    fast, slow = chosen(FAST, SLOW, latency=1.5)
    assert fast.structure.name != "dense" == slow.structure.name
    assert 2.0 / (fast.seconds + slow.seconds) == pytest.approx(1.5, rel=1e-3)


def test_one_rate_for_all_cannot_leave_it_dense():
    with pytest.raises(
        ValueError, match=r"latency=1\.5 and allocation=\"uniform\" cannot be had together: .*="
    ):
        chosen(FAST, SLOW, latency=1.5, allocation="uniform")
    one, other = chosen(FAST, FAST, latency=4.0, allocation="uniform")
    assert one.seconds + other.seconds <= 2.0 / 4.0


def test_budgets_that_conflict_are_named_with_what_comes_near():
    """Few weights want the slow layer pruned, little time wants it dense."""
    chosen(FAST, SLOW, latency=1.2, rate=8.0)
    with pytest.raises(
        ValueError,
        match=r"rate=8 and latency=1\.8 cannot be had together: the nearest is rate=45\.17 and lat",
    ) as refused:
        chosen(FAST, SLOW, latency=1.8, rate=8.0)
    assert "latency=1.24. Ask for less" in str(refused.value)


def test_the_most_that_is_told_can_be_asked_for():
    with pytest.raises(ValueError, match=r"latency=40 is out of reach: .* 9\.98x is the most"):
        chosen([(1 / 45, 0.1001), (1 / 2.25, 0.4)], latency=40.0)
    chosen([(1 / 45, 0.1001), (1 / 2.25, 0.4)], latency=9.98)


@pytest.mark.parametrize("allocation", ["adaptive", "uniform"])
def test_layers_too_small_for_a_rate_are_no_error(allocation):
    """Of 16 kernels in a layer one stays: with 4 of its weights, of 144."""
    choices = chosen(FAST, FAST, width=4, rate=45.0, allocation=allocation)
    assert [choice.tiles for choice in choices] == [1, 1]
