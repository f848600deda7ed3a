"""What a layer sees: sampled input rows, their second moments, and the BatchNorm gap of an image set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .graph import BatchNorm, Site, remembered


@dataclass(frozen=True)
class Rows:
    """Which output positions of a layer to look at: one entry of each tensor per row, batch by batch."""

    image: list[Tensor]
    y: list[Tensor]
    x: list[Tensor]

    @classmethod
    def sample(cls, site: Site, batch_sizes: list[int], count: int, seed: int) -> Rows:
        """About `count` rows, the same number in each image, without repetition."""
        generator = torch.Generator().manual_seed(seed)
        height, width = site.out_size
        per_image = min(height * width, -(-count // sum(batch_sizes)))
        device = site.conv.weight.device
        image, y, x = [], [], []
        for size in batch_sizes:
            places = torch.rand(size, height * width, generator=generator).argsort(1)[:, :per_image].flatten()
            image.append(torch.arange(size).repeat_interleave(per_image).to(device))
            y.append((places // width).to(device))
            x.append((places % width).to(device))
        return cls(image, y, x)

    def of_inputs(self, site: Site, inputs: list[Tensor]) -> Tensor:
        """The receptive field of each row, (rows, C * 9), in the order of the weights."""
        rows = []
        for image, y, x, batch in zip(self.image, self.y, self.x, inputs, strict=True):
            rows.append(_windows(site.conv, batch)[image, y, x].flatten(1))
        return torch.cat(rows)

    def of_outputs(self, outputs: list[Tensor]) -> Tensor:
        """The values of an output-shaped tensor, (rows, C)."""
        places = zip(self.image, self.y, self.x, outputs, strict=True)
        return torch.cat([batch[image, :, y, x] for image, y, x, batch in places])


def _windows(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A view (N, H_out, W_out, C, 3, 3) of the padded input."""
    if isinstance(conv.padding, str):
        pad = conv.dilation if conv.padding == "same" else (0, 0)
    else:
        pad = conv.padding
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    x = F.pad(x, (pad[1], pad[1], pad[0], pad[0]), mode=mode).contiguous()
    n, c, h, w = x.shape
    (sy, sx), (dy, dx) = conv.stride, conv.dilation
    size = (n, (h - 2 * dy - 1) // sy + 1, (w - 2 * dx - 1) // sx + 1, c, 3, 3)
    return x.as_strided(size, (c * h * w, sy * w, sx, h * w, dy * w, dx))


@dataclass(frozen=True)
class Moments:
    """Second moments of rows X (R, D) against targets Y (R, O), about their means or about zero.

    gram: X'X / R, (D, D).  cross: Y'X / R, (O, D).  target: diag(Y'Y) / R, (O,).
    """

    gram: Tensor
    cross: Tensor
    target: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, *, centred: bool) -> Moments:
        if centred:
            x, y = x - x.mean(0), y - y.mean(0)
        return cls(x.T @ x / len(x), y.T @ x / len(x), y.square().mean(0))

    def error(self, weight: Tensor) -> Tensor:
        """Mean square of Y - X W', per filter (O,).  weight: (O, D)."""
        fitted = (weight @ self.gram * weight).sum(1) - 2 * (weight * self.cross).sum(1)
        return (self.target + fitted).clamp_min(0)


@contextmanager
def feature_moments(norms: list[BatchNorm]) -> Iterator[dict[BatchNorm, tuple[Tensor, Tensor]]]:
    """Collects (mean, variance) per channel of what each norm is given while the context lasts."""
    moments: dict[BatchNorm, tuple[Tensor, Tensor]] = {}

    def on_input(norm: BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        moments[norm] = mean, variance

    handles = [norm.register_forward_pre_hook(on_input) for norm in norms]
    try:
        yield moments
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class Gap:
    """How far an image set is from the training data, by the model's own BatchNorm statistics.

    mean: ((mean - running_mean) / running_std)^2.  deviation: (std / running_std - 1)^2.  Both averaged over
    all channels. On CIFAR-10: real images 0.002 / 0.002, the mix 0.06 / 0.06, uniform noise 0.30 / 0.23.
    """

    mean: float
    deviation: float

    @property
    def fits_least_squares(self) -> bool:
        return self.mean <= 0.15 and self.deviation <= 0.10


@torch.no_grad()
def bn_gap(model: nn.Module, norms: list[BatchNorm], batches: list[Tensor]) -> Gap:
    """The gap of the images in `batches` at all of `norms` (at least one)."""
    first = {norm: torch.zeros(norm.num_features, dtype=torch.float64) for norm in norms}
    second = {norm: torch.zeros(norm.num_features, dtype=torch.float64) for norm in norms}
    total = sum(len(batch) for batch in batches)
    for batch in batches:
        with feature_moments(norms) as moments:
            model(batch)
        for norm, (mean, variance) in moments.items():
            mean, variance = mean.double().cpu(), variance.double().cpu()
            first[norm] += mean * len(batch) / total
            second[norm] += (variance + mean.square()) * len(batch) / total
    means, deviations = [], []
    for norm in norms:
        centre, running = (value.double().cpu() for value in remembered(norm))
        variance = (second[norm] - first[norm].square()).clamp_min(0)
        means.append(((first[norm] - centre) / running).square())
        deviations.append(((variance + norm.eps).sqrt() / running - 1).square())
    return Gap(float(torch.cat(means).mean()), float(torch.cat(deviations).mean()))
