"""What happens at one layer: its targets from the dense model, then its mask, weights and statistics."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from . import admm, sensitivity
from .budget import Choice
from .graph import Site
from .patterns import histogram
from .refit import least_squares, match_outputs
from .report import LayerReport
from .statistics import Moments, Rows, outputs
from .structures import DENSE, Structure
from .walk import Visit

_ROWS = 20_000  # looked at per layer, where there are that many
_REFIT_STEPS = 200  # of conjugate gradients, at most


@dataclass(frozen=True)
class Target:
    """What the dense layer does at the sampled rows.

    values: (rows, O) its outputs before bias and norm; at the end of a residual branch what they are added to
    is included, in the outputs' units. variance: (O,) of the outputs alone.
    """

    rows: Rows
    values: Tensor
    variance: Tensor


@torch.no_grad()
def study(
    visit: Visit, library: Tensor, structures: Sequence[Structure], seed: int, *, trusted: bool
) -> tuple[Target, dict[str, sensitivity.Curve]]:
    """At a site of the dense model: its target, and its error by each structure at each rate.

    trusted: whether the images are fit for least squares; if not, the curves are those of white inputs.
    """
    site = visit.site
    rows = Rows.sample(site, [len(batch) for batch in visit.inputs], _ROWS, seed)
    x = rows.of_inputs(site, visit.inputs)
    y = outputs(x, site.conv.weight)
    if trusted:
        half = len(y) // 2
        fit = Moments.of(x[..., :half, :], y[:half], centred=_shifts(site))
        test = Moments.of(x[..., half:, :], y[half:], centred=_shifts(site))
    else:
        fit = test = Moments.white(site.conv.weight, site.conv.groups)
    curves = sensitivity.measure(site, fit, test, library, structures)
    return Target(rows, y + _added(visit, rows), y.var(0)), curves


@torch.no_grad()
def prune_layer(
    visit: Visit, target: Target, library: Tensor, choice: Choice, *, trusted: bool
) -> tuple[Tensor, LayerReport]:
    """At a site of the pruned model, everything before it pruned: prunes it in place.

    Returns the mask, in the weight's shape, and what was done.

    Its inputs are those of the pruned model, its target that of the dense one: so each layer also makes up
    for the errors of those before it, and the end of a residual branch for those of its shortcut.
    """
    began = time.perf_counter()
    site = visit.site
    original = site.conv.weight.flatten(2)  # (O, I, T)
    x = target.rows.of_inputs(site, visit.inputs)
    wanted = target.values - _added(visit, target.rows)
    moments = Moments.of(x, wanted, centred=_shifts(site))
    fit = moments if trusted else Moments.white(site.conv.weight, site.conv.groups)
    scaled = (original.reshape(fit.cross.shape) * admm.importance(fit)).reshape(original.shape)
    constraint = choice.structure.constraint(choice.tiles, library, choice.structure.order(scaled, library))
    mask, start, residuals = constraint.project(scaled), original, []
    if trusted and choice.structure is not DENSE:
        solution = admm.solve(moments, original, constraint)
        mask, start, residuals = solution.mask, solution.weight, solution.residuals
    weight = original * mask
    if trusted:
        weight = least_squares(moments, original, mask, admm.RIDGE, start, steps=_REFIT_STEPS)
    site.conv.weight.copy_(weight.reshape_as(site.conv.weight))
    power = site.gain.square()
    error = (power * moments.error(weight)).sum() / (power * target.variance).sum().clamp_min(1e-30)
    match_outputs(site, outputs(x, weight), wanted.mean(0), target.variance)
    mask = mask.reshape_as(site.conv.weight)
    report = LayerReport(
        name=site.name,
        shape=tuple(mask.shape),
        structure=choice.structure.name,
        kernels=int(mask.flatten(2).any(2).sum()),
        weights=int(mask.sum()),
        dense_macs=site.macs,
        macs=int(mask.sum()) * site.out_size[0] * site.out_size[1],
        patterns=histogram(mask),
        relative_error=float(error),
        residuals=residuals,
        seconds=time.perf_counter() - began,
    )
    return mask, report


def _shifts(site: Site) -> bool:
    """Whether a constant can be added per channel, so that only deviations from the mean count."""
    return site.norm is not None or site.conv.bias is not None


def _added(visit: Visit, rows: Rows) -> Tensor | float:
    """What a residual branch's end is added to, (rows, O), in units of the convolution's output."""
    if visit.others is None:
        return 0.0
    gain = visit.site.gain
    # A channel that the norm all but silences cannot make up for anything.
    audible = gain.abs() > 1e-2 * gain.abs().max()
    return rows.of_outputs(visit.others) * torch.where(audible, 1 / gain, torch.zeros_like(gain))
