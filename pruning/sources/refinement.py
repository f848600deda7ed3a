"""Images pulled towards what the model's BatchNorms remember of its training data, from any source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..model.batch_norms import BatchNorm, remembered
from ..model.norm_statistics import feature_moments
from ..model.precision import Form, half

_RATE = 0.05  # Adam's, in units
_UNIT = 0.25  # of pixels in 0..1, about their deviation in photographs: what images are moved in


@dataclass(frozen=True)
class Normalisation:
    """What a model's inputs are: (pixel - mean) / std, per channel, of pixels in 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Tensor) -> Tensor:
        mean, std = self._of(pixels)
        return (pixels - mean) / std

    def limits(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """What black and white become, (1, C, 1, 1) each."""
        mean, std = self._of(like)
        return -mean / std, (1 - mean) / std

    def unit(self, like: Tensor) -> Tensor:
        """What a difference of one unit becomes, (1, C, 1, 1)."""
        return _UNIT / self._of(like)[1]

    def _of(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (like.new_tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return mean, std


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
    """Moves the images, by Adam, until the inputs of `norms` have the statistics these remember.

    After Yin et al. (DeepInversion, arXiv:1912.08795): mean and deviation of every norm's input, and total
    variation, under random shifts and flips. No labels: images that aim at some, as theirs do, are further
    from the statistics, and layers pruned on them lose a point of accuracy more.
    images: one batch (N, C, H, W), normalised, large enough to estimate a channel's variance; returns as
    many: these themselves where the model gives no gradients (torch.no_grad() in its forward).
    form: of precision.laid_out, in whose context this is called.  advance: told the fraction done.
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
            loss.backward()  # within: a model that computes parts again must do so as it did before
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
