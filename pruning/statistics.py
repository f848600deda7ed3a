"""What a layer reads: sampled rows of inputs, and their second moments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model.graph import Site
from .support.distributed import Group
from .support.seeds import generator


@dataclass(frozen=True)
class Sample:
    """Which rows are sampled, about `count` per layer; a row is one output position of one image.

    A layer, known by its name, always gets the same rows, in one process or in many. If it runs on several
    maps of an image, each has at least one row.
    images: number in all processes together.  first_batch: the number of this process's first batch.
    """

    seed: int
    count: int
    images: int
    first_batch: int = 0

    def rows(self, site: Site, batch_sizes: list[int]) -> Rows:
        """The rows of a site: equally many in each map, without repetition, in the images' order."""
        height, width = site.out_size
        per_map = min(height * width, math.ceil(self.count / (self.images * site.runs)))
        device = site.conv.weight.device
        image, y, x = [], [], []
        for number, size in enumerate(batch_sizes, self.first_batch):
            random = torch.rand(
                size, height * width, generator=generator(self.seed, "rows", site.name, number)
            )
            places = random.argsort(1)[:, :per_map].flatten()
            image.append(torch.arange(size).repeat_interleave(per_map).to(device))
            y.append((places // width).to(device))
            x.append((places % width).to(device))
        return Rows(image, y, x)


@dataclass(frozen=True)
class Rows:
    """Output positions of a layer: one entry of each tensor per row, batch by batch."""

    image: list[Tensor]
    y: list[Tensor]
    x: list[Tensor]

    def of_inputs(self, site: Site, inputs: list[Tensor]) -> list[Tensor]:
        """The receptive field of each row, (rows, groups, D) per batch, ordered like a filter's D weights."""
        return [
            _windows(site.conv, batch)[image, y, x]
            .reshape(len(image), site.conv.groups, -1)
            .to(site.conv.weight.dtype)  # models may run in half precision
            for image, y, x, batch in zip(self.image, self.y, self.x, inputs, strict=True)
        ]

    def of_outputs(self, outputs: list[Tensor]) -> list[Tensor]:
        """The values of an output-shaped tensor, (rows, O) per batch."""
        places = zip(self.image, self.y, self.x, outputs, strict=True)
        return [batch[image, :, y, x].float() for image, y, x, batch in places]


def _windows(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A view (N, H_out, W_out, C, kernel height, kernel width) of the padded input."""
    (kh, kw), (sy, sx), (dy, dx) = conv.kernel_size, conv.stride, conv.dilation
    reach = dy * (kh - 1), dx * (kw - 1)
    if isinstance(conv.padding, str):
        before = tuple(r // 2 if conv.padding == "same" else 0 for r in reach)
        after = tuple(r - b if conv.padding == "same" else 0 for r, b in zip(reach, before, strict=True))
    else:
        before = after = conv.padding
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    x = F.pad(x, (before[1], after[1], before[0], after[0]), mode=mode).contiguous()
    n, c, h, w = x.shape
    size = (n, (h - reach[0] - 1) // sy + 1, (w - reach[1] - 1) // sx + 1, c, kh, kw)
    return x.as_strided(size, (c * h * w, sy * w, sx, h * w, dy * w, dx))


def outputs_of(site: Site, x: list[Tensor]) -> list[Tensor]:
    """The convolution's outputs for rows of inputs, without its bias: (rows, O) per batch."""
    weight = grouped(site.conv.weight.detach().flatten(1), site.conv.groups)
    return [torch.einsum("rgd,god->rgo", rows, weight).flatten(1) for rows in x]


def grouped(values: Tensor, groups: int) -> Tensor:
    """(O, ...) -> (groups, O / groups, ...)"""
    return values.unflatten(0, (groups, -1))


@dataclass(frozen=True)
class Moments:
    """Second moments of rows X and targets Y, about their means or about zero, for each group g of a layer.

    gram: X'X / rows, (g, D, D).  cross: Y'X / rows, (g, O / g, D).  target: diag(Y'Y) / rows, (O,).
    inputs, outputs: the means of X, (g, D), and of Y, (O,).  rows: their number; infinite for `white`.
    """

    gram: Tensor
    cross: Tensor
    target: Tensor
    inputs: Tensor
    outputs: Tensor
    rows: float

    @classmethod
    def of(cls, x: list[Tensor], y: list[Tensor], *, centred: bool, group: Group) -> Moments:
        """x: (rows, g, D) per batch.  y: (rows, O) per batch.  centred: about the means instead of zero.

        On the CPU the result has the same bits however the group's processes share the batches.
        Raises FloatingPointError when a value is not finite.
        """
        groups, width = x[0].shape[1:]
        rows, all_rows = _counted(y, group)
        inputs, outputs = _mean(x, group), _mean(y, group)
        off_x, off_y = (inputs, outputs) if centred else (torch.zeros_like(inputs), torch.zeros_like(outputs))
        high = torch.maximum(_largest(x) + off_x.abs().max(), _largest(y) + off_y.abs().max())

        def products() -> Iterator[Tensor]:
            for a, b in zip(x, y, strict=True):
                a, b = (a - off_x).transpose(0, 1), (b - off_y).unflatten(1, (groups, -1)).transpose(0, 1)
                yield a.mT @ torch.cat([a, b], 2)

        joint = (group.exact_sum(products(), rows * high.square()) / all_rows).float()
        return cls(
            gram=joint[..., :width].contiguous(),
            cross=joint[..., width:].mT.contiguous(),
            target=_mean([(b - off_y).square() for b in y], group),
            inputs=inputs,
            outputs=outputs,
            rows=all_rows,
        )

    @classmethod
    def white(cls, weight: Tensor, groups: int) -> Moments:
        """The moments of a layer (O, ...) with uncorrelated inputs of mean zero and variance one."""
        rows = weight.flatten(1)
        gram = torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device).expand(groups, -1, -1)
        inputs, outputs = rows.new_zeros(groups, rows.shape[1]), rows.new_zeros(len(rows))
        return cls(gram, grouped(rows, groups), rows.square().sum(1), inputs, outputs, math.inf)

    def of_filters(self, some: Tensor) -> Moments:
        """The moments of these filters alone; a grouped convolution must have one filter per group."""
        target, outputs = self.target[some], self.outputs[some]
        if len(self.gram) == 1:
            return Moments(self.gram, self.cross[:, some], target, self.inputs, outputs, self.rows)
        return Moments(self.gram[some], self.cross[some], target, self.inputs[some], outputs, self.rows)

    def error(self, weight: Tensor) -> Tensor:
        """Mean square of Y - X W', per filter (O,).  weight: (O, ...)."""
        weight = weight.reshape(self.cross.shape)
        fitted = (weight @ self.gram * weight).sum(-1) - 2 * (weight * self.cross).sum(-1)
        return (self.target + fitted.flatten()).clamp_min(0)


def spread(parts: list[Tensor], group: Group) -> tuple[Tensor, Tensor]:
    """Mean and variance, (O,) each, over all rows of all processes; parts: (rows, O) per batch."""
    mean = _mean(parts, group)
    return mean, _mean([(part - mean).square() for part in parts], group)


def _mean(parts: list[Tensor], group: Group) -> Tensor:
    rows, all_rows = _counted(parts, group)
    sums = (part.sum(0, dtype=torch.float64) for part in parts)
    return (group.exact_sum(sums, rows * _largest(parts)) / all_rows).float()


def _counted(parts: list[Tensor], group: Group) -> tuple[int, int]:
    """The number of rows in this process, and in all processes."""
    rows = sum(len(part) for part in parts)
    return rows, int(group.sum(torch.tensor([rows], device=parts[0].device)))


def _largest(parts: list[Tensor]) -> Tensor:
    return torch.stack([parts[0].new_zeros(()), *(part.abs().max() for part in parts if len(part))]).max()
