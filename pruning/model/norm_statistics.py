"""How well images match the statistics in BatchNorms: a measure of image sets, and its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..support.distributed import Group
from .batch_norms import BatchNorm, remembered, varies

_plain = nn.BatchNorm2d.forward


class _ChannelMoments(torch.autograd.Function):
    """(N, C, H, W), float32 or half -> mean and variance (C,) each, float32.

    With channels last, batch norm's own sums take a tenth of the time of torch.var_mean, and the gradient is
    one pass: 1 / n for the mean and 2 (x - mean) / n for the variance.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        unused = x.new_zeros(x.shape[1], dtype=torch.float32)  # float32 makes the sums float32, too
        mean, variance = torch.batch_norm_update_stats(x, unused, unused, momentum=0.0)
        ctx.save_for_backward(x, mean)
        return mean, variance

    @staticmethod
    def backward(ctx: Any, of_mean: Tensor, of_variance: Tensor) -> Tensor:  # type: ignore[override]
        x, mean = ctx.saved_tensors
        offset, slope = _gradient(x, mean, of_mean, of_variance)
        return torch.addcmul(offset, slope, x)


class _MeasuredNorm(torch.autograd.Function):
    """The same of a frozen batch norm's input, after its output.

    One gradient for all three, where torch's own of the norm takes five times as long: it also sums what
    scales and shifts would learn.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, norm: BatchNorm) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance = _ChannelMoments.forward(ctx, x)
        ctx.scale = (1 if norm.weight is None else norm.weight) / remembered(norm)[1]
        return _plain(norm, x), mean, variance

    @staticmethod
    def backward(ctx: Any, of_y: Tensor, of_mean: Tensor, of_variance: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        x, mean = ctx.saved_tensors
        offset, slope = _gradient(x, mean, of_mean, of_variance)
        return torch.addcmul(offset, slope, x).addcmul_(of_y, _by_channel(ctx.scale, x)), None


def _gradient(x: Tensor, mean: Tensor, of_mean: Tensor, of_variance: Tensor) -> tuple[Tensor, Tensor]:
    """That of the moments, as offset and slope in x."""
    slope = of_variance * (2 * x.shape[1] / x.numel())
    offset = of_mean * (x.shape[1] / x.numel()) - slope * mean
    return _by_channel(offset, x), _by_channel(slope, x)


def _by_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.to(x.dtype).view(1, -1, 1, 1)


def _is_plain(norm: BatchNorm) -> bool:
    """Whether it computes a fixed scale and shift and nothing else."""
    known = type(norm).forward is _plain and "forward" not in vars(norm) and not norm.training
    return known and not any(parameter.requires_grad for parameter in norm.parameters())


@contextmanager
def feature_moments(norms: list[BatchNorm]) -> Iterator[dict[BatchNorm, tuple[Tensor, Tensor]]]:
    """Yields norm -> (mean, variance) per channel of its input, filled as the model runs in this context."""
    moments: dict[BatchNorm, tuple[Tensor, Tensor]] = {}

    def on_input(norm: BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        moments[norm] = _ChannelMoments.apply(inputs[0])

    def measured(norm: BatchNorm, x: Tensor) -> Tensor:
        y, *moments[norm] = _MeasuredNorm.apply(x, norm)
        return y

    with ExitStack() as after:
        for norm in norms:
            if _is_plain(norm):
                vars(norm)["forward"] = partial(measured, norm)
                after.callback(vars(norm).pop, "forward")
            else:
                after.callback(norm.register_forward_pre_hook(on_input).remove)
        yield moments


@dataclass(frozen=True)
class Gap:
    """How far an image set is from the training data, by the model's own BatchNorm statistics.

    mean: ((mean - running_mean) / running_std)^2.  deviation: (std / running_std - 1)^2.  Both are averaged
    over all channels that varied in training. On CIFAR-10 real images have 0.002 / 0.002, the mix 0.06 / 0.06
    and uniform noise 0.30 / 0.23.
    """

    LEAST_SQUARES: ClassVar = (0.15, 0.10)  # the largest gaps at which least squares works

    mean: float
    deviation: float

    @property
    def fits_least_squares(self) -> bool:
        return self.mean <= self.LEAST_SQUARES[0] and self.deviation <= self.LEAST_SQUARES[1]


@torch.no_grad()
def bn_gap(model: nn.Module, norms: list[BatchNorm], batches: list[Tensor], group: Group) -> Gap:
    """The gap of the images in all processes' batches, over all of `norms` (at least one)."""
    sizes, firsts, seconds = [], [], []
    for batch in batches:
        with feature_moments(norms) as moments, batch.device:
            model(batch)
        mean = torch.cat([moments[norm][0] for norm in norms]).double()
        variance = torch.cat([moments[norm][1] for norm in norms]).double()
        sizes.append(len(batch))
        firsts.append(mean)
        seconds.append(variance + mean.square())
    # Gathered, since they are few numbers, then added in the batches' order.
    weights = group.joined(torch.tensor(sizes, device=batches[0].device))[:, None].double()
    weights = weights / weights.sum()
    first, second = ((group.joined(torch.stack(v)) * weights).sum(0) for v in (firsts, seconds))
    centre = torch.cat([remembered(norm)[0] for norm in norms]).double()
    running = torch.cat([remembered(norm)[1] for norm in norms]).double()
    epsilon = torch.cat([running.new_full((norm.num_features,), norm.eps) for norm in norms])
    deviation = ((second - first.square()).clamp_min(0) + epsilon).sqrt()
    mean_gap, deviation_gap = ((first - centre) / running).square(), (deviation / running - 1).square()
    # Dead filters are left out: any difference is hundreds of their deviations.
    vary = torch.cat([varies(norm) for norm in norms])
    vary = vary | ~vary.any()
    return Gap(float(mean_gap[vary].mean()), float(deviation_gap[vary].mean()))
