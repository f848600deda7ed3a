"""What happens at one layer: first its error at each rate is measured, then it gets its mask and weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from . import admm, gradient, sensitivity
from .budget import Choice
from .model.batch_norms import remembered, varies
from .model.graph import Site
from .model.walk import Visit
from .patterns import histogram
from .refit import least_squares, match_outputs
from .report import LayerReport
from .statistics import Moments, Sample, outputs_of, spread
from .structures import DENSE, Structure, distinct
from .support.distributed import Group
from .support.seeds import generator

ROWS = 20_000  # sampled per layer, if there are that many
_REFIT_STEPS = 200  # most steps of conjugate gradients

Method = Literal["closed-form", "gradient", "none"]


@dataclass(frozen=True)
class Task:
    """What is the same for all layers.

    libraries: kernel size -> bool (P, T).  structures: those that a layer may have.
    method: of choosing masks; "none" keeps the weights as they are.
    trusted: whether the images are fit for least squares, or at least for predicting errors.
    """

    libraries: Mapping[tuple[int, ...], Tensor]
    structures: Sequence[Structure]
    sample: Sample
    group: Group
    method: Method
    trusted: bool


@torch.no_grad()
def study(visit: Visit, task: Task) -> dict[str, sensitivity.Curve]:
    """Structure -> error at each rate, measured at a site of the dense model.

    Weights are refitted on half of the rows and the error is taken on the others. If the images cannot be
    trusted, inputs are assumed to be white.
    """
    site = visit.site
    if not task.trusted:
        fit = test = Moments.white(site.conv.weight.flatten(1), site.conv.groups)
    else:
        x = task.sample.rows(site, [len(batch) for batch in visit.inputs]).of_inputs(site, visit.inputs)
        first = task.sample.first_batch
        y = outputs_of(site, x)
        fit, test = (
            Moments.of(some_x, some_y, centred=_shifts(site), group=task.group)
            for some_x, some_y in zip(_halves(x, first), _halves(y, first), strict=True)
        )
    library = task.libraries[site.conv.kernel_size]
    return sensitivity.measure(site, fit, test, library, distinct(task.structures, library))


@torch.no_grad()
def prune_layer(dense: Visit, visit: Visit, choice: Choice, task: Task) -> tuple[Tensor, LayerReport]:
    """Prunes a site of the pruned model in place, once everything before it is pruned.

    Returns the mask, in the weight's shape, and a report.

    The inputs are those in the pruned model and the target is the dense layer's output, so each layer also
    compensates for the errors of those before it, and the end of a residual branch for those of its shortcut.
    """
    began = time.perf_counter()
    site = visit.site
    x, wanted, variance = _rows(dense, visit, task)
    moments = Moments.of(x, wanted, centred=_shifts(site), group=task.group)
    solution = _solved(site, x, wanted, moments, choice, task)
    mask, weight = solution.mask, solution.weight
    if choice.structure is not DENSE:
        mask = mask & _survives(site, weight)
        weight = weight * mask
    power = site.gain.square()
    error = (power * moments.error(weight)).sum() / (power * moments.target).sum().clamp_min(1e-30)
    if not bool(torch.isfinite(weight).all() and torch.isfinite(error)):
        raise FloatingPointError("weights that are not finite come of pruning it")
    site.conv.weight.copy_(weight.reshape_as(site.conv.weight))
    if task.method != "gradient":  # that already fits what comes out of the norm
        match_outputs(site, moments, weight, variance)
    mask = mask.reshape_as(site.conv.weight)
    weights = int(mask.sum())
    report = LayerReport(
        name=site.name,
        shape=tuple(site.conv.weight.shape),
        structure=choice.structure.name,
        kernels=int(mask.flatten(2).any(2).sum()),
        weights=weights,
        dense_macs=site.macs,
        macs=site.macs * weights // mask.numel(),
        patterns=histogram(mask),
        relative_error=float(error),
        residuals=solution.residuals,
        seconds=time.perf_counter() - began,
    )
    return mask, report


def _rows(dense: Visit, visit: Visit, task: Task) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Rows of inputs, the outputs wanted for them, and the variance (O,) of the dense layer's outputs."""
    site = visit.site
    rows = task.sample.rows(site, [len(batch) for batch in visit.inputs])
    wanted = outputs_of(dense.site, rows.of_inputs(dense.site, dense.inputs))
    _, variance = spread(wanted, task.group)
    if visit.others and dense.others:
        gain, others = _audible(site), zip(dense.others, visit.others, strict=True)
        missing = rows.of_outputs([before - now for before, now in others])
        wanted = [y + error / gain for y, error in zip(wanted, missing, strict=True)]
    return rows.of_inputs(site, visit.inputs), wanted, variance


def _solved(
    site: Site, x: list[Tensor], wanted: list[Tensor], moments: Moments, choice: Choice, task: Task
) -> admm.Solution:
    """Which weights stay, by the task's method, and their new values.  moments: of `x` and `wanted`."""
    original = site.conv.weight.detach().flatten(2)  # (O, I, T)
    fit = moments if task.trusted else Moments.white(site.conv.weight, site.conv.groups)
    scaled = (original.reshape(fit.cross.shape) * admm.importance(fit)).reshape(original.shape)
    library = task.libraries[site.conv.kernel_size]
    constraint = choice.structure.constraint(choice.tiles, library, choice.structure.order(scaled, library))
    pull = admm.damping(moments, choice.share)
    if choice.structure is DENSE or task.method == "none":
        mask = constraint.project(scaled)
        solution = admm.Solution(mask, original * mask, [])
    elif task.method == "closed-form":
        solution = admm.solve(moments, original, constraint, pull)
    else:
        # Every process descends on all rows, since only then do all take the same steps.
        all_x, all_y = (task.group.joined(torch.cat(parts)) for parts in (x, wanted))
        random = generator(task.sample.seed, "gradient", site.name)
        solution = gradient.solve(all_x, all_y, _response(site), original, constraint, random)
    if task.method != "closed-form":
        return solution
    refitted = least_squares(moments, original, solution.mask, pull, solution.weight, steps=_REFIT_STEPS)
    return replace(solution, weight=refitted)


def _survives(site: Site, weight: Tensor) -> Tensor:
    """Where a weight (O, I, T) remains a normal number in exported files, into which norms are folded.

    Smaller ones become zeros there, or in runtimes. The factor of 2 is for `match_outputs`, which may double
    the deviation that a weight is divided by.
    """
    return (weight * site.fold[:, None, None]).abs() >= 2 * torch.finfo(weight.dtype).tiny


def _shifts(site: Site) -> bool:
    """Whether the layer can add a constant per channel, so that only deviations from the mean matter."""
    return site.norm is not None or site.conv.bias is not None


def _halves(parts: list[Tensor], first: int) -> tuple[list[Tensor], list[Tensor]]:
    """The first half of the rows of each batch, and the second: of other images, if a batch has several.

    An odd row goes to either half in turns.  first: the number of the first batch.
    """
    cuts = [(len(part) + number % 2) // 2 for number, part in enumerate(parts, first)]
    pairs = list(zip(parts, cuts, strict=True))
    return [part[:cut] for part, cut in pairs], [part[cut:] for part, cut in pairs]


def _audible(site: Site) -> Tensor:
    """The gain, but infinite where the norm all but silences a channel: it cannot compensate for anything.

    It is compared with channels that vary, since the gain of a dead filter is hundreds of times theirs.
    """
    gain, size = site.gain, site.gain.abs()
    largest = size.max() if site.norm is None else size.where(varies(site.norm), 0.0).max()
    return torch.where(size > 1e-2 * largest, gain, torch.inf)


def _response(site: Site) -> Callable[[Tensor], Tensor]:
    """The function from the convolution's outputs (rows, O), without its bias, to those of the activation."""
    gain, shift = site.gain, torch.zeros_like(site.gain)
    if site.conv.bias is not None:
        shift = shift + gain * site.conv.bias
    if site.norm is not None:
        shift = shift - gain * remembered(site.norm)[0]
        if site.norm.bias is not None:
            shift = shift + site.norm.bias
    activation = site.activation or (lambda y: y)
    return lambda y: activation(y * gain + shift)
