"""Fits weights and normalisation, with the support fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from .model.batch_norms import remembered
from .model.graph import Site
from .statistics import Moments

_VARIANCE_RATIO = (0.05, 4.0)  # limits of the change that BN matching makes to a channel's variance


def least_squares(
    moments: Moments,
    anchor: Tensor,
    mask: Tensor,
    damping: Tensor,
    start: Tensor,
    *,
    steps: int,
    tolerance: float = 1e-4,
) -> Tensor:
    """argmin over W on the mask of E|Y - X W'|^2 + sum damping (W - anchor)^2, every filter at once.

    Conjugate gradients on the masked normal equations, preconditioned by diag(G): a few dense products
    instead of one Cholesky factorisation per filter, since their supports all differ. Ends after `steps`, or
    when every filter's preconditioned residual has shrunk by `tolerance`.

    anchor, mask, start: the weight's shape, (O, I, T).  damping: (g, 1, D).  Returns a weight, zero outside
    the mask.
    """
    shape = anchor.shape
    anchor, mask, start = (t.reshape(moments.cross.shape) for t in (anchor, mask, start))
    diagonal = moments.gram.diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
    scale = mask / (diagonal + damping).clamp_min(torch.finfo(diagonal.dtype).tiny)
    weight = start * mask
    residual = moments.cross + damping * (anchor - weight) - weight @ moments.gram
    z = scale * residual  # zero outside the mask, and so is each direction, whatever products hold there
    direction, rz = z, (residual * z).sum(-1, keepdim=True)
    enough = rz * tolerance**2
    for _ in range(steps):
        if bool((rz <= enough).all()):
            break
        product = (direction @ moments.gram).addcmul_(direction, damping)
        step = _ratio(rz, (direction * product).sum(-1, keepdim=True))
        weight.addcmul_(direction, step)
        residual.addcmul_(product, -step)
        z = scale * residual
        rz, before = (residual * z).sum(-1, keepdim=True), rz
        direction = torch.addcmul(z, direction, _ratio(rz, before))
    return weight.reshape(shape)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(b > 0, a / b.clamp_min(torch.finfo(b.dtype).tiny), torch.zeros_like(a))


@torch.no_grad()
def match_outputs(site: Site, moments: Moments, weight: Tensor, variance: Tensor) -> None:
    """Adjusts norm or bias such that what follows sees the mean and variance that the dense layer gave.

    The running statistics are scaled and shifted by the ratio and the difference between the two layers,
    instead of being replaced by statistics of the images, so an error that the images make in both cancels.

    moments: of the convolution's inputs and wanted outputs.  weight: its present one, (O, ...).
    variance: (O,) that its outputs should have.
    """
    mean = moments.outputs
    weight = weight.reshape(moments.cross.shape)
    shift = (weight @ moments.inputs[..., None]).flatten()
    if site.norm is None:
        if site.conv.bias is not None:
            site.conv.bias += mean - shift
        return
    if site.conv.bias is not None:
        shift, mean = shift + site.conv.bias, mean + site.conv.bias
    now = (weight @ moments.gram * weight).sum(-1).flatten()
    ratio = (now / variance.clamp_min(torch.finfo(variance.dtype).tiny)).clamp(*_VARIANCE_RATIO)
    ratio = ratio.where(variance > 0, 1.0)  # what is constant in these images may vary in real ones
    running, deviation = remembered(site.norm)
    left = deviation.square() * ratio - site.norm.eps
    ratio = torch.where(left < 0, site.norm.eps / deviation.square(), ratio)  # epsilon alone, with variance 0
    running.copy_(shift - (mean - running) * ratio.sqrt())
    assert site.norm.running_var is not None
    site.norm.running_var.copy_(left.clamp_min(0))
