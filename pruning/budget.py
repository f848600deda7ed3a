"""How many kernels each layer keeps: the least sum of predicted errors that meets the budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .admm import RIDGE
from .config import LEAST_RATE, MOST_RATE
from .graph import Site
from .patterns import TAPS
from .projections import project
from .refit import least_squares
from .statistics import Moments

_RATES = (LEAST_RATE, 3.5, 6.0, 11.0, 22.0, MOST_RATE)  # where a layer's error is measured
_FILTERS = 64  # filters a layer's error is measured on
_STEPS = 15  # of conjugate gradients: enough for an error, not for weights
_POINTS = 400  # rates between, where the error is interpolated
_MIXES = 21  # trade-offs tried between the two budgets


@dataclass(frozen=True)
class Curve:
    """A layer's predicted error (relative, of its output) at each of `_RATES`."""

    site: Site
    errors: tuple[float, ...]


def measure(site: Site, fit: Moments, test: Moments, library: Tensor) -> Curve:
    """Prunes the layer to each rate, refits on `fit`, and takes the error on `test` (other images).

    Both moments are those of the dense layer's own input and output. Filters count by what the norm
    makes of them, gamma^2 / variance.
    """
    weight = site.conv.weight.detach().flatten(1)
    scale = fit.gram.diagonal().sqrt()
    some = torch.linspace(0, len(weight) - 1, min(len(weight), _FILTERS)).long().to(weight.device)
    counts = site.gain[some].square()
    part = Moments(fit.gram, fit.cross[some], fit.target[some])
    check = Moments(test.gram, test.cross[some], test.target[some])
    total = float((counts * check.target).sum())
    errors = []
    for rate in _RATES:
        mask = project(weight * scale, library, kernels_at(site, rate))[some]
        refitted = least_squares(part, weight[some], mask, RIDGE, weight[some], steps=_STEPS)
        errors.append(float((counts * check.error(refitted)).sum()) / total if total > 0 else 0.0)
    return Curve(site, tuple(errors))


def kernels_at(site: Site, rate: float) -> int:
    """How many kernels are left when the layer's weights shrink `rate` times; at least one."""
    return max(1, int(site.kernels * LEAST_RATE / rate + 1e-6))


def allocate(curves: list[Curve], rate: float | None, macs: float | None) -> dict[str, int]:
    """Kernels to keep per layer name, between LEAST_RATE and MOST_RATE, under both budgets.

    Minimises the sum of the curves plus a price on weights and one on MACs (Lagrange), each layer by itself;
    the prices are found by bisection. What rounding leaves over is given out kernel by kernel.
    """
    rates = torch.logspace(math.log10(LEAST_RATE), math.log10(MOST_RATE), _POINTS, dtype=torch.float64)
    errors = torch.stack([_interpolate(curve.errors, rates) for curve in curves])  # (layers, points)
    costs = torch.tensor([[c.site.kernels * TAPS, c.site.macs] for c in curves], dtype=torch.float64)
    shares = costs / costs.sum(0)  # (layers, 2): weights, MACs
    limits = 1 / torch.tensor([max(asked or 1.0, LEAST_RATE) for asked in (rate, macs)], dtype=torch.float64)
    index = torch.arange(len(curves))

    def choose(mix: float, price: float) -> Tensor:
        prices = price * torch.tensor([mix, 1 - mix], dtype=torch.float64)
        return (errors + (shares @ prices)[:, None] / rates).argmin(1)

    def excess(choice: Tensor) -> float:
        return float(((shares / rates[choice][:, None]).sum(0) / limits).max())

    best, least = None, math.inf
    for mix in torch.linspace(0, 1, _MIXES).tolist():
        low, high = 1e-9, 1e9
        for _ in range(80):
            price = math.sqrt(low * high)
            low, high = (price, high) if excess(choose(mix, price)) > 1 else (low, price)
        choice = choose(mix, high)
        total = float(errors[index, choice].sum())
        if excess(choice) <= 1 + 1e-9 and total < least:
            best, least = choice, total
    if best is None:
        best = torch.full((len(curves),), _POINTS - 1)
    kept = torch.tensor([c.site.kernels for c in curves]) * LEAST_RATE / rates[best]
    return dict(zip((c.site.name for c in curves), _round(curves, kept, limits), strict=True))


def _round(curves: list[Curve], kept: Tensor, limits: Tensor) -> list[int]:
    """Whole kernels: all layers scaled by the one largest factor that keeps to the budgets.

    The prices can jump over part of a budget where a curve is not convex; the factor uses it up.
    """
    sizes = torch.tensor([c.site.kernels for c in curves], dtype=torch.float64)
    pixels = torch.tensor([math.prod(c.site.out_size) for c in curves], dtype=torch.float64)

    def scaled(factor: float) -> Tensor:
        return torch.minimum((kept * factor + 1e-6).floor(), sizes).clamp_min(1)

    def fits(kernels: Tensor) -> bool:
        costs = torch.stack([kernels.sum() / sizes.sum(), (kernels @ pixels) / (sizes @ pixels)])
        return bool((costs <= limits * LEAST_RATE + 1e-9).all())

    low, high = 0.0, MOST_RATE
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(scaled(middle)) else (low, middle)
    return scaled(low).int().tolist()


def _interpolate(errors: tuple[float, ...], rates: Tensor) -> Tensor:
    """Log-log linear, made monotone: no layer gets better by losing more."""
    at = torch.tensor(_RATES, dtype=torch.float64).log()
    values = torch.tensor(errors, dtype=torch.float64).clamp_min(1e-9).cummax(0).values.log()
    right = torch.bucketize(rates.log().clamp(at[0], at[-1]), at).clamp(1, len(at) - 1)
    t = (rates.log() - at[right - 1]) / (at[right] - at[right - 1])
    return torch.lerp(values[right - 1], values[right], t).exp()
