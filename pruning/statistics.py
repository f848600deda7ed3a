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
        """The receptive field of each row, (rows, D = C * taps), in the order of the weights.

        Of a grouped convolution: (groups, rows, D), each group's part of it.
        """
        rows = []
        for image, y, x, batch in zip(self.image, self.y, self.x, inputs, strict=True):
            rows.append(_windows(site.conv, batch)[image, y, x].flatten(1))
        fields = torch.cat(rows)
        groups = site.conv.groups
        return fields if groups == 1 else fields.unflatten(1, (groups, -1)).transpose(0, 1).contiguous()

    def of_outputs(self, outputs: list[Tensor]) -> Tensor:
        """The values of an output-shaped tensor, (rows, C)."""
        places = zip(self.image, self.y, self.x, outputs, strict=True)
        return torch.cat([batch[image, :, y, x] for image, y, x, batch in places])


def _windows(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A view (N, H_out, W_out, C, kh, kw) of the padded input."""
    (kh, kw), (sy, sx), (dy, dx) = conv.kernel_size, conv.stride, conv.dilation
    reach_y, reach_x = dy * (kh - 1), dx * (kw - 1)
    if conv.padding == "same":
        top, left = reach_y // 2, reach_x // 2
        pad = (left, reach_x - left, top, reach_y - top)
    else:
        top, left = (0, 0) if isinstance(conv.padding, str) else conv.padding
        pad = (left, left, top, top)
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    x = F.pad(x, pad, mode=mode).contiguous()
    n, c, h, w = x.shape
    size = (n, (h - reach_y - 1) // sy + 1, (w - reach_x - 1) // sx + 1, c, kh, kw)
    return x.as_strided(size, (c * h * w, sy * w, sx, h * w, dy * w, dx))


def outputs(x: Tensor, weight: Tensor) -> Tensor:
    """(rows, O) of a convolution without its bias. x: of `Rows.of_inputs`.  weight: (O, ...)."""
    y = x @ weight.reshape(*x.shape[:-2], -1, x.shape[-1]).mT
    return y if y.ndim == 2 else y.transpose(0, 1).flatten(1)


@dataclass(frozen=True)
class Moments:
    """Second moments of rows X (R, D) against targets Y (R, O), about their means or about zero.

    gram: X'X / R, (D, D).  cross: Y'X / R, (O, D).  target: diag(Y'Y) / R, (O,).
    Of a grouped convolution, whose filters read D inputs of their group: (G, D, D), (G, O / G, D), (O,).
    """

    gram: Tensor
    cross: Tensor
    target: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, *, centred: bool) -> Moments:
        """x: (R, D), or (G, R, D).  y: (R, O)."""
        if centred:
            x, y = x - x.mean(-2, keepdim=True), y - y.mean(0)
        of_group = y if x.ndim == 2 else y.unflatten(1, (len(x), -1)).transpose(0, 1)
        return cls(x.mT @ x / len(y), of_group.mT @ x / len(y), y.square().mean(0))

    @classmethod
    def white(cls, weight: Tensor, groups: int) -> Moments:
        """Of a layer (O, ...) whose inputs are uncorrelated, each of variance one."""
        rows = weight.flatten(1)
        size = rows.shape[1]
        gram = torch.eye(size, device=rows.device)
        if groups == 1:
            return cls(gram, rows, rows.square().sum(1))
        return cls(gram.expand(groups, -1, -1), rows.unflatten(0, (groups, -1)), rows.square().sum(1))

    def of_filters(self, some: Tensor) -> Moments:
        """Of these filters alone; of a grouped convolution where each group is one filter."""
        gram = self.gram if self.gram.ndim == 2 else self.gram[some]
        return Moments(gram, self.cross[some], self.target[some])

    def error(self, weight: Tensor) -> Tensor:
        """Mean square of Y - X W', per filter (O,).  weight: (O, ...)."""
        weight = weight.reshape(self.cross.shape)
        fitted = (weight @ self.gram * weight).sum(-1) - 2 * (weight * self.cross).sum(-1)
        return (self.target + fitted.flatten()).clamp_min(0)


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
