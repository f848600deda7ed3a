"""Refinement: pulls images of any source towards the statistics in the model's BatchNorms."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..model.batch_norms import BatchNorm, remembered
from ..model.norm_statistics import feature_moments
from ..model.precision import Form, half
from ..normalisation import Normalisation

_RATE = 0.05  # Adam's, in the images' units (Normalisation.unit)


@torch.enable_grad()
def refine(
    model: nn.Module,
    norms: list[BatchNorm],
    images: Tensor,
    normalisation: Normalisation,
    steps: int,
    form: Form,
    generator: torch.Generator,
    advance: Callable[[float], None],
) -> Tensor:
    """Moves the images, by Adam, towards ones with which the inputs of `norms` have their running statistics.

    After Yin et al. (DeepInversion, arXiv:1912.08795): the loss has mean and deviation of every norm's input,
    and total variation, under random shifts and flips. Unlike theirs it has no labels: images that aim at
    labels fit the statistics less well, and layers pruned on them lose one more point of accuracy.

    images: one batch (N, C, H, W), normalised, large enough to estimate a channel's variance.
    form: from precision.laid_out, in whose context this is called.  advance: called with the fraction done.
    Returns them, or the images given if the model gives no gradients (torch.no_grad() in its forward).
    """
    unit = normalisation.unit(images)
    low, high = (limit / unit for limit in normalisation.limits(images))
    given, images = images, (images / unit).requires_grad_(True)
    optimizer = torch.optim.Adam([images], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        shift = torch.randint(-2, 3, (2,), generator=generator).tolist()
        x = torch.roll(images, shift, dims=(2, 3))
        x = x.flip(3) if torch.rand((), generator=generator) < 0.5 else x
        x = form.of(x)
        with feature_moments(norms) as moments:
            with half(x.device, form.low):
                model(x * unit)
            loss = torch.stack([_mismatch(norm, *moments[norm]) for norm in norms]).mean()
            if not loss.requires_grad:
                return given
            loss = loss + 0.002 * _total_variation(x)
            optimizer.zero_grad()
            loss.backward()  # inside, for models with checkpointing: they run parts again, hooks included
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            images.clamp_(low, high)
        advance((step + 1) / steps)
    return images.detach() * unit


def _total_variation(x: Tensor) -> Tensor:
    return (x.diff(dim=2).abs().sum() + x.diff(dim=3).abs().sum()) / x.numel()


def _mismatch(norm: BatchNorm, mean: Tensor, variance: Tensor) -> Tensor:
    centre, deviation = remembered(norm)
    shift = (mean - centre) / deviation
    own = (variance + norm.eps).clamp_min(torch.finfo(variance.dtype).tiny).sqrt()  # of zero it has no slope
    return (shift.square() + (own / deviation - 1).square()).mean()
