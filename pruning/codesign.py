"""From a config's budgets to what each layer becomes: its structure and its rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from .budget import Choice, Menu, allocate, same_rate
from .config import PruneConfig
from .graph import Trace
from .latency import LayerTimes
from .patterns import choose_library
from .sensitivity import Curve
from .structures import CODESIGN, FREE, STRUCTURES, VARIED, Structure
from .varied import choose_varied_library

_PATTERNS = 8  # in a library, where the config does not say; PatDNN's choice
_VARIED_PATTERNS = 16  # nine of them are single taps


def structures_of(config: PruneConfig) -> tuple[Structure, ...]:
    """Those a layer may have."""
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


def choose(
    config: PruneConfig,
    traced: Trace,
    libraries: Mapping[tuple[int, ...], Tensor],
    curves: Mapping[str, Mapping[str, Curve]],
    times: Mapping[str, LayerTimes] | None,
) -> dict[str, Choice]:
    """What each site becomes under the config's budgets, by name."""
    menus = [
        Menu.of(
            site, libraries[site.conv.kernel_size], curves[site.name], times[site.name] if times else None
        )
        for site in traced.sites
    ]
    whole = {
        "rate": float(sum(site.conv.weight.numel() for site in traced.sites)),
        "macs": float(sum(site.macs for site in traced.sites)),
    }
    limits = {name: whole[name] / factor for name, factor in config.budgets.items() if name in whole}
    if times:
        assert config.latency is not None
        limits["latency"] = _seconds_left(config.latency, traced, times, menus)
    choices = (allocate if config.allocation == "adaptive" else same_rate)(menus, limits)
    return dict(zip((site.name for site in traced.sites), choices, strict=True))


def _seconds_left(
    factor: float, traced: Trace, times: Mapping[str, LayerTimes], menus: Sequence[Menu]
) -> float:
    """For the convolutions to prune, once the others have had theirs."""
    rest = sum(site.runs * times[site.name].dense for site in traced.left)
    dense = rest + sum(times[site.name].dense for site in traced.sites)
    least = sum(float(menu.costs["latency"].min()) for menu in menus)
    if (rest + least) * factor > dense:
        raise ValueError(
            f"latency={factor:g} is out of reach: the convolutions take {1e3 * dense:.2f} ms dense, of which "
            f"{1e3 * rest:.2f} ms are not to be pruned, and {dense / (rest + least):.1f}x is the most. "
            "Ask for less, or give more kinds"
        )
    return dense / factor - rest
