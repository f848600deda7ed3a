"""Budgets that cannot be had, alone or together: with times and errors made up."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import forms
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patternlite.pruning import PruneConfig, codesign
from patternlite.pruning.budget import Choice
from patternlite.pruning.latency import LayerTimes
from patternlite.pruning.model.graph import trace
from patternlite.pruning.sensitivity import Curve
from patternlite.pruning.structures import CODESIGN, FREE, STRUCTURES

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
Points = list[tuple[float, float]]
FAST, SLOW = [(1 / 45, 0.1), (1 / 2.25, 0.4)], [(1 / 45, 1.5), (1 / 2.25, 1.8)]  # of 1 second dense


def choose(model: nn.Module, points: Sequence[Points], rest: float, **budgets) -> list[Choice]:
    """points: times of each layer to prune.  rest: the others' time."""
    config, found = PruneConfig(**budgets, **UNIT), trace(model, (3, 8, 8))
    libraries = codesign.libraries_of(config, [site.conv.weight for site in found.sites])
    names = [structure.name for structure in codesign.structures_of(config)]
    curve = Curve(torch.tensor([2.25, 10.0, 45.0]).double(), torch.tensor([0.01, 0.1, 0.5]).double())
    curves = {site.name: dict.fromkeys(names, curve) for site in found.sites}
    times = {
        site.name: LayerTimes(1.0, dict.fromkeys(names, at))
        for site, at in zip(found.sites, points, strict=True)
    }
    times |= {site.name: LayerTimes(rest, {}) for site in found.left}
    timed = times if config.latency else None
    return list(codesign.choose(config, found, libraries, curves, timed).values())


def chosen(*points: Points, width: int = 64, **budgets) -> list[Choice]:
    """Of a stem that takes no time and a layer for each of `points`, of the same size."""
    layers = [nn.Conv2d(3, width, 3, padding=1), *(nn.Conv2d(width, width, 3, padding=1) for _ in points)]
    return choose(nn.Sequential(*layers), points, 1e-6, **budgets)


@pytest.mark.parametrize(
    ("options", "structures"),
    [
        ({"latency": 2.0}, CODESIGN),
        ({"rate": 2.0}, (FREE,)),
        ({"latency": 2.0, "allocation": "uniform"}, (FREE,)),
        ({"latency": 2.0, "structure": "g4"}, (STRUCTURES["g4"],)),
    ],
)
def test_structures_are_chosen_among_where_time_counts_layer_by_layer(options, structures):
    assert codesign.structures_of(PruneConfig(**options, **UNIT)) == structures


def test_a_layer_that_gains_no_time_stays_dense_for_a_latency():
    fast, slow = chosen(FAST, SLOW, latency=1.5)
    assert fast.structure.name != "dense" == slow.structure.name
    assert 2.0 / (fast.seconds + slow.seconds) == pytest.approx(1.5, rel=1e-3)


def test_what_was_reached_counts_all_convolutions():
    times = {"stem": LayerTimes(1e-3, {}), "a": LayerTimes(4e-3, {}), "b": LayerTimes(3e-3, {})}
    site = {name: SimpleNamespace(name=name, runs=1 + (name == "stem")) for name in times}
    traced = SimpleNamespace(sites=[site["a"], site["b"]], left=[site["stem"]])
    choices = {
        name: Choice(STRUCTURES["free"], 1, 0.25, 0.1, seconds)
        for name, seconds in (("a", 1e-3), ("b", 1.5e-3))
    }
    config = PruneConfig(latency=2.0, threads=2, **UNIT)
    found = codesign.times_of(config, traced, choices, times)
    assert str(found) == (
        "convolutions: 9 -> 4.5 ms in this engine with 2 threads (2.00x), by the times of single layers"
    )
    assert codesign.times_of(config, traced, choices, None) is None


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


@pytest.mark.parametrize("budgets", [{"macs": 4.0}, {"latency": 4.0}])
def test_a_layer_on_windows_counts_as_often_as_there_are_of_them(budgets):
    """One layer on the map, in 1 second, and one on four quarters of it, in 1 second each."""
    whole, part = choose(forms.Windows(64), [FAST, FAST], 1e-6, **budgets)
    if "macs" in budgets:
        assert 2 / (whole.share + part.share) == pytest.approx(4.0, rel=0.01)
    else:
        assert 5 / (whole.seconds + part.seconds) == pytest.approx(4.0, rel=0.01)
        assert part.seconds == pytest.approx(4 * 0.1 + 4 * 0.3 * (part.share - 1 / 45) / (1 / 2.25 - 1 / 45))


class Pyramid(nn.Module):
    """One head on maps of 8, 4 and 2 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1))
        self.head = nn.Conv2d(64, 64, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.body(x)
        return [self.head(F.avg_pool2d(x, size)) for size in (1, 2, 4)]


def test_a_layer_that_runs_at_several_sizes_takes_the_time_of_all():
    """Of 1 second at the largest: 1 / 4 and 1 / 16 at the others. The stem takes another."""
    with pytest.raises(ValueError, match=r"take 3312\.50 ms dense, of which 2312\.50 ms are not to be"):
        choose(Pyramid(), [FAST], 1.0, latency=3.0)
