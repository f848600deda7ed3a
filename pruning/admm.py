"""Which weights of one layer to keep: ADMM on the layer's least-squares problem, in closed form.

As in Boyd et al. 2011, section 9.1, with any constraint set of projections.py; layer by layer as in
arXiv:2003.06513, but with the layer's Gram matrix instead of stochastic gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .projections import Constraint
from .statistics import Moments

_RIDGE = 0.01  # pull towards the original weights, relative to diag(G)
_MORE = 0.25  # additional pull if there are as many unknowns as rows; proportional to their ratio
_STAGES = 8
_STEPS = 5  # per stage, which needs one factorisation
_RHO = (0.05, 2.0)  # in the first and the last stage, geometric between, relative to diag(G)


@dataclass(frozen=True)
class Solution:
    """mask: bool (O, I, T).  weight: (O, I, T), zero outside the mask: the last projection Z, or refitted.

    residuals: (primal |W - Z|, dual rho |Z - previous Z|) at the end of each stage, relative to |W|.
    """

    mask: Tensor
    weight: Tensor
    residuals: list[tuple[float, float]]


def damping(moments: Moments, share: float) -> Tensor:
    """The pull towards the original weights if this share of them stays: (g, 1, D), like diag(G).

    It grows with the number of unknowns per row, since with as many unknowns as rows least squares would fit
    these rows exactly, at the expense of other images. The second term acts as if every input had been seen
    once more at the inputs' mean strength, so that weights of inputs that were hardly ever active do not
    change.
    """
    diagonal = moments.gram.diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
    ridge = _RIDGE + _MORE * share * moments.gram.shape[-1] / moments.rows
    return ridge * diagonal + diagonal.mean(-1, keepdim=True) / moments.rows


def importance(moments: Moments) -> Tensor:
    """sqrt(diag G), (g, 1, D): a weight times this has the size of its effect on the output."""
    scale = moments.gram.diagonal(dim1=-2, dim2=-1).sqrt()
    least = 1e-4 * scale.amax(-1, keepdim=True) + torch.finfo(scale.dtype).tiny ** 0.5  # for inactive inputs
    return scale.clamp_min(least).unsqueeze(-2)


def solve(moments: Moments, anchor: Tensor, constraint: Constraint, damping: Tensor) -> Solution:
    """ADMM for min E|Y - X W'|^2 + sum damping (W - anchor)^2 subject to W in the constraint's set.

    Columns are scaled by `importance`, so that one rho fits all, and projections are onto the scaled set.
    anchor: the original weights (O, I, T).
    """
    scale = importance(moments)
    gram = moments.gram / (scale.mT * scale)
    original = anchor.reshape(moments.cross.shape) * scale
    pull = damping / scale.square()
    cross = moments.cross / scale + pull * original
    gram.diagonal(dim1=-2, dim2=-1).add_(pull.squeeze(-2))

    def project(weight: Tensor) -> Tensor:
        return constraint.project(weight.reshape(anchor.shape)).reshape(weight.shape)

    w, u = original, torch.zeros_like(original)
    mask = project(original)
    z = w * mask
    residuals = []
    before = None
    for rho in torch.logspace(math.log10(_RHO[0]), math.log10(_RHO[1]), _STAGES).tolist():
        shifted = gram.clone()
        shifted.diagonal(dim1=-2, dim2=-1).add_(rho)
        factor = torch.linalg.cholesky(shifted)
        u = u * (before / rho) if before else u  # u is the multiplier over rho
        before = rho
        for _ in range(_STEPS):
            w = torch.cholesky_solve((cross + rho * (z - u)).mT, factor).mT
            mask = project(w + u)
            z, last = (w + u) * mask, z
            u = u + w - z
        size = float(w.norm().clamp_min(torch.finfo(w.dtype).tiny))
        residuals.append((float((w - z).norm()) / size, rho * float((z - last).norm()) / size))
    return Solution(mask.reshape(anchor.shape), (z / scale).reshape(anchor.shape), residuals)
