"""Which weights of one layer to keep: ADMM on its least-squares problem, in closed form.

Boyd et al. 2011, section 9.1, with the constraint set of projections.py; layer by layer as in
arXiv:2003.06513, but with the layer's Gram matrix in place of stochastic gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .projections import project
from .statistics import Moments

RIDGE = 0.01  # pull towards the original weights, relative to diag(G)
_STAGES = 8
_STEPS = 5  # per stage, which has one factorisation
_RHO = (0.05, 2.0)  # first and last stage's, geometric between, relative to diag(G)


@dataclass(frozen=True)
class Solution:
    """mask: bool (O, D).  weight: the last iterate (O, D), near the constraint set, not on it.

    residuals: (primal |W - Z|, dual rho |Z - Z before|) at the end of each stage, relative to |W|.
    """

    mask: Tensor
    weight: Tensor
    residuals: list[tuple[float, float]]


def solve(moments: Moments, anchor: Tensor, library: Tensor, kernels: int) -> Solution:
    """ADMM for min E|Y - X W'|^2 + RIDGE |W - anchor|^2 subject to W in the set of `project`.

    Runs with columns scaled by sqrt(diag G), where a weight's size says what it does to the output and one
    rho fits all. anchor: the original weights (O, D).
    """
    scale = moments.gram.diagonal().sqrt()
    scale = scale.clamp_min(1e-4 * scale.max() + torch.finfo(scale.dtype).tiny)  # of inputs that are never on
    gram = moments.gram / (scale[:, None] * scale)
    original = anchor * scale
    cross = moments.cross / scale + RIDGE * original
    gram.diagonal().add_(RIDGE)

    w, u = original, torch.zeros_like(original)
    mask = project(original, library, kernels)
    z = w * mask
    residuals = []
    before = None
    for rho in torch.logspace(math.log10(_RHO[0]), math.log10(_RHO[1]), _STAGES).tolist():
        factor = torch.linalg.cholesky(gram + rho * torch.eye(len(gram), device=gram.device))
        u = u * (before / rho) if before else u  # u is the multiplier over rho
        before = rho
        for _ in range(_STEPS):
            w = torch.cholesky_solve((cross + rho * (z - u)).T, factor).T
            mask = project(w + u, library, kernels)
            z, last = (w + u) * mask, z
            u = u + w - z
        size = float(w.norm().clamp_min(torch.finfo(w.dtype).tiny))
        residuals.append((float((w - z).norm()) / size, rho * float((z - last).norm()) / size))
    return Solution(mask, z / scale, residuals)
