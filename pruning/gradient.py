"""Which weights of one layer to keep: ADMM by gradient descent, as in arXiv:2003.06513, section III.

Its loss may lie behind a nonlinearity, which admm.py cannot express. It needs no second moments, so it works
on images that are unfit for least squares; on images that are fit it is slower, and worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .admm import Solution
from .projections import Constraint
from .statistics import grouped

_RHO = (0.01, 10.0)  # in the first and the last stage, geometric between; loss and penalty are relative
_STAGES = 4
_ROUNDS = 3  # per stage; Z and U move after each
_REFIT_ROUNDS = 6  # with the mask fixed, at the end
_STEPS = 20  # per round, however few the rows: with fewer, the weights do not reach Z
_BATCH = 1024  # rows per step
_STEP = 0.02  # Adam's learning rate, relative to the root mean square of the weights


@torch.enable_grad()
def solve(
    x: Tensor,
    y: Tensor,
    response: Callable[[Tensor], Tensor],
    anchor: Tensor,
    constraint: Constraint,
    generator: torch.Generator,
) -> Solution:
    """ADMM for min E|response(Y) - response(X W')|^2 with W in the constraint's set, then the best W there.

    x: rows of inputs (rows, groups, D).  y: wanted outputs (rows, O).
    response: the layer's norm and activation, a function of outputs (rows, O).
    anchor: the original weights (O, I, T).
    Raises FloatingPointError when the descent diverges.
    """
    wanted = response(y)
    energy = (wanted - wanted.mean(0)).square().mean().clamp_min(torch.finfo(wanted.dtype).tiny)
    size = anchor.square().sum().clamp_min(torch.finfo(anchor.dtype).tiny)
    weight = anchor.clone().requires_grad_(True)
    step = _STEP * float((size / anchor.numel()).sqrt())
    optimizer = torch.optim.Adam([weight], lr=step)

    def descend(pull: float, target: Tensor, on: Tensor | float = 1.0) -> None:
        """pull: of the weights towards `target`.  on: what weights are multiplied by, such as a mask."""
        for _ in range(_STEPS):
            some = torch.randperm(len(x), generator=generator)[:_BATCH].to(x.device)
            outputs = torch.einsum(
                "rgd,god->rgo", x[some], grouped((weight * on).flatten(1), x.shape[1])
            ).flatten(1)
            loss = (response(outputs) - wanted[some]).square().mean() / energy
            loss = loss + pull * (weight - target).square().sum() / size
            if not bool(torch.isfinite(loss)):
                raise FloatingPointError("gradient ADMM does not converge")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    mask = constraint.project(anchor)
    z, u = anchor * mask, torch.zeros_like(anchor)
    residuals = []
    before = _RHO[0]
    for rho in torch.logspace(math.log10(_RHO[0]), math.log10(_RHO[1]), _STAGES).tolist():
        u = u * (before / rho)  # u is the multiplier over rho
        before = rho
        for _ in range(_ROUNDS):
            descend(rho, z - u)
            now = weight.detach()
            mask = constraint.project(now + u)
            z, last = (now + u) * mask, z
            u = u + now - z
        scale = float(now.norm().clamp_min(torch.finfo(now.dtype).tiny))
        residuals.append((float((now - z).norm()) / scale, rho * float((z - last).norm()) / scale))

    weight = z.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([weight], lr=step)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _REFIT_ROUNDS)
    for _ in range(_REFIT_ROUNDS):
        descend(0.0, z, on=mask)
        schedule.step()
    return Solution(mask, weight.detach() * mask, residuals)
