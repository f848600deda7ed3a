"""From a config's budgets to what each layer becomes: its structure and its rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .budget import Choice, Menu, allocate, same_rate
from .config import PruneConfig
from .latency import LayerTimes
from .model.graph import Trace
from .patterns import choose_library
from .report import Times
from .sensitivity import Curve
from .structures import CODESIGN, FREE, STRUCTURES, VARIED, Structure, distinct
from .varied import choose_varied_library

_PATTERNS = 8  # default size of a library, as in PatDNN
_VARIED_PATTERNS = 16  # nine of them are single taps
_SLACK = 1 + 1e-6  # allocation added the same costs in another order


def structures_of(config: PruneConfig) -> tuple[Structure, ...]:
    """The structures that a layer may have."""
    if config.structure != "auto":
        return (STRUCTURES[config.structure],)
    return CODESIGN if "latency" in config.budgets and config.allocation == "adaptive" else (FREE,)


def libraries_of(config: PruneConfig, weights: Sequence[Tensor]) -> dict[tuple[int, ...], Tensor]:
    """Kernel size (height, width) -> bool (P, T), the pattern library of the weights of that size."""
    libraries = {}
    for size in dict.fromkeys(tuple(weight.shape[2:]) for weight in weights):
        same = [weight for weight in weights if tuple(weight.shape[2:]) == size]
        if config.structure == VARIED.name:
            rate = max(config.budgets.values())
            libraries[size] = choose_varied_library(same, config.patterns or _VARIED_PATTERNS, rate)
        else:
            libraries[size] = choose_library(same, config.patterns or _PATTERNS)
    return libraries


def lossless(
    config: PruneConfig, traced: Trace, libraries: Mapping[tuple[int, ...], Tensor]
) -> dict[str, dict[str, Curve]]:
    """Site's name -> structure -> a curve without any error: for choices that do not depend on errors."""
    curve = Curve(torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))
    found = {}
    for site in traced.sites:
        structures = distinct(structures_of(config), libraries[site.conv.kernel_size])
        found[site.name] = dict.fromkeys((structure.name for structure in structures), curve)
    return found


def choose(
    config: PruneConfig,
    traced: Trace,
    libraries: Mapping[tuple[int, ...], Tensor],
    curves: Mapping[str, Mapping[str, Curve]],
    times: Mapping[str, LayerTimes] | None,
) -> dict[str, Choice]:
    """Site's name -> what it becomes under the config's budgets.

    Raises ValueError if a latency is out of reach, alone or together with the other budgets. Layers too small
    for a rate of weights or MACs are no error: as many weights are pruned as possible.
    """
    menus = [
        Menu.of(
            site, libraries[site.conv.kernel_size], curves[site.name], times[site.name] if times else None
        )
        for site in traced.sites
    ]
    budgets = _budgets(config, traced, times, menus)
    limits = {budget.name: budget.limit for budget in budgets}
    choices = (allocate if config.allocation == "adaptive" else same_rate)(menus, limits)
    _require_within(config, budgets, traced, choices)
    return dict(zip((site.name for site in traced.sites), choices, strict=True))


def times_of(
    config: PruneConfig,
    traced: Trace,
    choices: Mapping[str, Choice],
    times: Mapping[str, LayerTimes] | None,
) -> Times | None:
    """How long all convolutions take, before and after; None if time is no budget."""
    if times is None:
        return None
    rest = _rest(traced, times)
    dense = rest + _dense(traced, times)
    pruned = rest + sum(choice.seconds or 0.0 for choice in choices.values())
    return Times(dense, pruned, config.threads)


def _dense(traced: Trace, times: Mapping[str, LayerTimes]) -> float:
    """Seconds that the sites take before they are pruned."""
    return sum(site.runs * times[site.name].dense for site in traced.sites)


def _rest(traced: Trace, times: Mapping[str, LayerTimes]) -> float:
    """Seconds that no choice changes."""
    return sum(site.runs * times[site.name].dense for site in traced.left)


@dataclass(frozen=True)
class _Budget:
    """One requested factor.

    whole: cost of the dense model.  rest: the part of it that no choice changes.  least: the lowest cost that
    the sites can have.
    """

    name: str
    factor: float
    whole: float
    rest: float
    least: float

    def __str__(self) -> str:
        return f"{self.name}={self.factor:g}"

    @property
    def limit(self) -> float:
        """The most that the sites may cost."""
        return max(self.whole / self.factor - self.rest, self.least)

    def reached(self, spent: float) -> float:
        """The factor reached if the sites cost so much; rounded down, so that asking for it succeeds."""
        return math.floor(100 * self.whole / (self.rest + spent)) / 100


def _budgets(
    config: PruneConfig, traced: Trace, times: Mapping[str, LayerTimes] | None, menus: Sequence[Menu]
) -> list[_Budget]:
    whole = {
        "rate": float(sum(site.conv.weight.numel() for site in traced.sites)),
        "macs": float(sum(site.macs for site in traced.sites)),
    }
    rest = dict.fromkeys(whole, 0.0)
    if times:
        rest["latency"] = _rest(traced, times)
        whole["latency"] = rest["latency"] + _dense(traced, times)
    least = {name: sum(float(menu.costs[name].min()) for menu in menus) for name in whole}
    budgets = [_Budget(k, factor, whole[k], rest[k], least[k]) for k, factor in config.budgets.items()]
    for budget in budgets:
        if budget.name == "latency" and budget.whole / budget.factor < budget.rest + budget.least:
            raise ValueError(
                f"{budget} is out of reach: the convolutions take {1e3 * budget.whole:.2f} ms dense, of "
                f"which {1e3 * budget.rest:.2f} ms are not to be pruned, and "
                f"{budget.reached(budget.least):.2f}x is the most. Ask for less, or give more kinds"
            )
    return budgets


def _require_within(
    config: PruneConfig, budgets: Sequence[_Budget], traced: Trace, choices: Sequence[Choice]
) -> None:
    """Raises ValueError if the choices do not keep to all budgets, although each can be met by itself."""
    pairs = list(zip(traced.sites, choices, strict=True))
    spent = {
        "rate": sum(choice.share * site.conv.weight.numel() for site, choice in pairs),
        "macs": sum(choice.share * site.macs for site, choice in pairs),
        "latency": sum(choice.seconds or 0.0 for choice in choices),
    }
    if all(spent[budget.name] <= budget.limit * _SLACK for budget in budgets):
        return
    uniform = config.allocation == "uniform"
    asked = " and ".join([*map(str, budgets), *(['allocation="uniform"'] if uniform else [])])
    near = " and ".join(f"{budget.name}={budget.reached(spent[budget.name]):.2f}" for budget in budgets)
    way = (
        'give allocation="adaptive", which leaves layers dense that gain no time' if uniform else "give fewer"
    )
    raise ValueError(f"{asked} cannot be had together: the nearest is {near}. Ask for less, or {way}")
