"""Weights and normalisation for a fixed support."""

from __future__ import annotations

import torch
from torch import Tensor

from .model.batch_norms import remembered
from .model.graph import Site
from .statistics import Moments

_VARIANCE_RATIO = (0.05, 4.0)  # what BN matching may at most do to a channel


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
    in place of one Cholesky per filter, whose supports all differ. Ends after `steps`, or when every
    filter's preconditioned residual has shrunk by `tolerance`.

    anchor, mask, start: the weight's shape, (O, I, T).  damping: (g, 1, D).  Returns a weight, zero outside
    the mask.
    """
    shape = anchor.shape
    anchor, mask, start = (t.reshape(moments.cross.shape) for t in (anchor, mask, start))
    diagonal = moments.gram.diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
    scale = mask / (diagonal + damping).clamp_min(torch.finfo(diagonal.dtype).tiny)
    weight = start * mask
    residual = moments.cross + damping * (anchor - weight) - weight @ moments.gram
    z = scale * residual  # zero outside the mask, as each direction is, whatever products have there
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
    """Gives what follows the convolution the mean and variance that the dense one had.

    The ratio and the shift between the two are carried over, rather than statistics of the images put in
    the place of the running ones: an error that the images make in both cancels.

    moments: of the convolution's inputs and its wanted outputs.  weight: what it has now, (O, ...).
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
    ratio = ratio.where(variance > 0, 1.0)  # what never changed in these images may in real ones
    running, deviation = remembered(site.norm)
    left = deviation.square() * ratio - site.norm.eps
    ratio = torch.where(left < 0, site.norm.eps / deviation.square(), ratio)  # what epsilon alone makes
    running.copy_(shift - (mean - running) * ratio.sqrt())
    assert site.norm.running_var is not None
    site.norm.running_var.copy_(left.clamp_min(0))
