"""How much error each structure at each rate causes in a layer's output, measured before pruning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .admm import damping, importance
from .model.graph import Site
from .refit import least_squares
from .statistics import Moments
from .structures import Structure

POINTS = 6  # rates at which a layer's error is measured
FILTERS = 64  # filters on which it is measured
STEPS = 6  # of conjugate gradients: enough to compare errors, too few for final weights


@dataclass(frozen=True)
class Curve:
    """Predicted relative errors of a layer's output.

    rates: (n,), ascending.  errors: (n,), measured at these rates.
    """

    rates: Tensor
    errors: Tensor

    def at(self, rates: Tensor) -> Tensor:
        """Errors at these rates, by linear interpolation of the logarithms; they never fall as rates rise."""
        values = self.errors.clamp_min(1e-9).cummax(0).values.log()
        if len(values) == 1:
            return values.exp().expand(len(rates))
        points, wanted = self.rates.log(), rates.log().clamp(self.rates[0].log(), self.rates[-1].log())
        right = torch.bucketize(wanted, points).clamp(1, len(points) - 1)
        t = (wanted - points[right - 1]) / (points[right] - points[right - 1])
        return torch.lerp(values[right - 1], values[right], t).exp()


def measure(
    site: Site, fit: Moments, test: Moments, library: Tensor, structures: Sequence[Structure]
) -> dict[str, Curve]:
    """Structure's name -> curve: prunes the layer to each rate, refits on `fit`, takes the error on `test`.

    Both are moments of the dense layer's own inputs and outputs, on different images. Filters are weighted by
    what the norm makes of them, gamma^2 / variance.
    """
    weight = site.conv.weight.detach().flatten(2)  # (O, I, T)
    scaled = (weight.reshape(fit.cross.shape) * importance(fit)).reshape(weight.shape)
    some = torch.linspace(0, len(weight) - 1, min(len(weight), FILTERS)).long().to(weight.device)
    power = site.gain[some].square()
    part, check = fit.of_filters(some), test.of_filters(some)
    total = float((power * check.target).sum())

    def error(mask: Tensor) -> float:
        pull = damping(part, float(mask.float().mean()))
        refitted = least_squares(part, weight[some], mask[some], pull, weight[some], steps=STEPS)
        lost = float((power * check.error(refitted)).sum())
        if not math.isfinite(lost + total):
            raise FloatingPointError("the power of its outputs is not finite")
        return lost / total if total > 0 else 0.0

    curves = {}
    for structure in structures:
        order = structure.order(scaled, library)
        counts = structure.counts(site.conv.weight.shape, library, POINTS)
        errors = [error(structure.constraint(n, library, order).project(scaled)) for n in counts.tolist()]
        rates = structure.rate(site.conv.weight.shape, library, counts)
        curves[structure.name] = Curve(rates, torch.tensor(errors, dtype=torch.float64))
    return curves
