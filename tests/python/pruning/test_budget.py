"""Choices under budgets, with made-up menus, compared with exhaustive or known answers."""

from __future__ import annotations

import math
from itertools import product
from random import Random

import pytest
import torch

from patternlite.pruning.budget import Menu, allocate, same_rate
from patternlite.pruning.sensitivity import Curve
from patternlite.pruning.structures import FREE


def random_menu(generator: torch.Generator, ways: int) -> Menu:
    """Costs that fall where errors rise, as menus have it, one of them by jumps."""
    shares = torch.linspace(1, 0.1, ways, dtype=torch.float64)
    errors = torch.rand(ways, generator=generator, dtype=torch.float64).cumsum(0)
    costs = {"rate": shares, "latency": shares * torch.rand(ways, generator=generator).double().add(0.5)}
    return Menu([FREE] * ways, torch.arange(ways, 0, -1), shares, errors, costs)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limits", [{"rate": 1.6}, {"latency": 1.2}, {"rate": 1.6, "latency": 1.2}])
def test_no_choice_within_the_limits_is_much_better(seed, limits):
    generator = torch.Generator().manual_seed(seed)
    menus = [random_menu(generator, 7) for _ in range(4)]
    best = min(
        sum(float(menu.errors[i]) for menu, i in zip(menus, choice, strict=True))
        for choice in product(range(7), repeat=4)
        if all(
            sum(float(menu.costs[name][i]) for menu, i in zip(menus, choice, strict=True)) <= limit
            for name, limit in limits.items()
        )
    )
    choices = allocate(menus, limits)
    for name, limit in limits.items():
        spent = sum(
            float(menu.costs[name][menu.errors.tolist().index(choice.error)])
            for menu, choice in zip(menus, choices, strict=True)
        )
        assert spent <= limit * (1 + 1e-6)
    assert best <= sum(choice.error for choice in choices) <= 1.25 * best


def test_a_budget_with_room_to_spare_costs_nothing():
    random, generator = Random(3), torch.Generator().manual_seed(3)
    menus = []
    for _ in range(random.randint(2, 12)):  # of unlike lengths, as those of layers
        ways, weights = random.choice([400, 150, 60, 300]), 9 * 2 ** random.randint(8, 18)
        shares = torch.logspace(math.log10(1 / 2.25), math.log10(1 / 45), ways, dtype=torch.float64)
        scale, bend = (torch.rand(1, generator=generator).double() for _ in range(2))
        errors = (0.05 * scale * (1 / shares - 1) ** (0.5 + bend)).clamp_max(1)
        costs = {"rate": shares * weights, "macs": shares * weights * random.choice([16, 64, 256, 1024])}
        menus.append(Menu([FREE] * ways, torch.arange(ways), shares, errors, costs))
    whole = {name: sum(2.25 * float(menu.costs[name][0]) for menu in menus) for name in ("rate", "macs")}
    alone = allocate(menus, {"macs": whole["macs"] / 3})
    both = allocate(menus, {"macs": whole["macs"] / 3, "rate": whole["rate"] / 2.3})
    assert sum(c.error for c in both) <= sum(c.error for c in alone) * (1 + 1e-9)


def test_where_nothing_fits_the_cheapest_is_chosen():
    menus = [random_menu(torch.Generator().manual_seed(0), 5) for _ in range(2)]
    assert [choice.tiles for choice in allocate(menus, {"rate": 0.01})] == [1, 1]


def test_where_nothing_fits_less_error_is_chosen_at_the_same_cost():
    costs = {
        "rate": torch.tensor([0.5, 2.0, 1.3, 1.3], dtype=torch.float64),
        "macs": torch.tensor([2.0, 0.5, 1.3, 1.3], dtype=torch.float64),
    }
    errors = torch.tensor([0.1, 0.1, 0.5, 0.3], dtype=torch.float64)
    menu = Menu([FREE] * 4, torch.arange(4), costs["rate"], errors, costs)
    (choice,) = allocate([menu], {"rate": 1.0, "macs": 1.0})
    assert choice.error == 0.3


@pytest.mark.parametrize("seed", [6, 53, 101, 145])
def test_two_limits_that_no_price_meets_are_met(seed):
    """Menus of a few points that no curve joins: mixtures of prices jump over all that fits."""
    generator = torch.Generator().manual_seed(seed)
    menus = []
    for _ in range(3):
        costs = {name: torch.rand(5, generator=generator).double() + 0.05 for name in ("rate", "latency")}
        errors = torch.rand(5, generator=generator).double() / (costs["rate"] * costs["latency"])
        menus.append(Menu([FREE] * 5, torch.arange(5), costs["rate"], errors, costs))
    limits = {name: 1.6 * sum(float(menu.costs[name].min()) for menu in menus) for name in menus[0].costs}
    choices = [choice.tiles for choice in allocate(menus, limits)]
    for name, limit in limits.items():
        spent = sum(float(menu.costs[name][i]) for menu, i in zip(menus, choices, strict=True))
        assert spent <= limit, name


def test_what_is_left_of_a_budget_is_spent():
    """Two convex layers and one with a jump that no price can stop halfway."""
    shares = torch.tensor([1.0, 0.5, 0.4], dtype=torch.float64)
    jump = torch.tensor([0.0, 1.0, 1.1], dtype=torch.float64)
    menus = [Menu([FREE] * 3, torch.tensor([3, 2, 1]), shares, jump, {"rate": shares}) for _ in range(3)]
    choices = allocate(menus, {"rate": 1.9})
    assert sum(choice.share for choice in choices) == pytest.approx(1.9)


def test_one_rate_for_all_keeps_to_every_limit():
    shares = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    menus = [
        Menu([FREE] * 4, torch.arange(4, 0, -1), shares, 1 - shares, {"rate": shares, "macs": shares * macs})
        for macs in (1.0, 3.0)
    ]
    for limits, share in (({"rate": 0.8, "macs": 0.8}, 0.2), ({"rate": 0.2, "macs": 1.6}, 0.1)):
        assert [choice.share for choice in same_rate(menus, limits)] == [share, share]


def test_a_curve_is_interpolated_by_logarithms_and_never_falls():
    curve = Curve(torch.tensor([2.0, 8.0, 32.0]), torch.tensor([0.01, 0.16, 0.04]).double())
    at = curve.at(torch.tensor([1.0, 2.0, 4.0, 8.0, 32.0, 64.0]).double())
    assert at.tolist() == pytest.approx([0.01, 0.01, 0.04, 0.16, 0.16, 0.16])
