"""Least squares on a support, closed-form ADMM, and matching of outputs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from patternlite.pruning import admm
from patternlite.pruning.model.graph import Site
from patternlite.pruning.patterns import candidates
from patternlite.pruning.projections import Tiles
from patternlite.pruning.refit import least_squares, match_outputs
from patternlite.pruning.statistics import Moments
from patternlite.pruning.support.distributed import Group


def problem(seed: int, filters: int = 6, inputs: int = 4):
    """Correlated inputs, a dense layer, and the moments of the two."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(9 * inputs, 9 * inputs, generator=generator) + 2 * torch.eye(9 * inputs)
    x = torch.randn(2000, 9 * inputs, generator=generator) @ mixing
    weight = torch.randn(filters, 9 * inputs, generator=generator)
    return x, weight, Moments.of([x[:, None]], [x @ weight.T], centred=False, group=Group())


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_least_squares_is_exact_on_every_filters_own_support(ridge):
    _, anchor, moments = problem(0)
    mask = torch.rand(anchor.shape) < 0.4
    damping = ridge * moments.gram.diagonal(dim1=1, dim2=2)[:, None]
    found = least_squares(moments, anchor, mask, damping, anchor, steps=400, tolerance=1e-6)
    assert not found[~mask].any()
    gram, cross, damping = moments.gram[0].double(), moments.cross[0].double(), damping[0, 0].double()
    for f, support in enumerate(mask):
        matrix = (gram + damping.diag())[support][:, support]
        wanted = torch.linalg.solve(matrix, (cross[f] + damping * anchor[f])[support])
        torch.testing.assert_close(found[f, support].double(), wanted, rtol=1e-3, atol=1e-3)


def exact_problem(scales: torch.Tensor) -> tuple[Moments, torch.Tensor]:
    """In doubles, and the weight that solves it; inputs of these scales, else of a good condition."""
    generator = torch.Generator().manual_seed(6)
    size = len(scales)
    root = torch.randn(size, size, generator=generator, dtype=torch.float64) / size**0.5
    gram = scales[:, None] * (root @ root.T + torch.eye(size, dtype=torch.float64)) * scales
    weight = torch.randn(3, size, generator=generator, dtype=torch.float64) / scales
    nothing = torch.zeros(3, dtype=torch.float64)
    return Moments(gram[None], (weight @ gram)[None], nothing, scales[None], nothing, 1e6), weight


def test_least_squares_takes_no_more_steps_than_there_are_inputs():
    """Directions are conjugate: those of steepest descent would take hundreds."""
    moments, wanted = exact_problem(torch.ones(24, dtype=torch.float64))
    start, everything = torch.zeros_like(wanted), torch.ones_like(wanted, dtype=torch.bool)
    found = least_squares(moments, start, everything, start[None, :1], start, steps=24, tolerance=0)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def test_least_squares_takes_no_more_steps_for_inputs_of_different_scales():
    size = torch.logspace(-3, 3, 60, dtype=torch.float64)
    errors = []
    for scales in (torch.ones_like(size), size):
        moments, wanted = exact_problem(scales)
        start, everything = torch.zeros_like(wanted), torch.ones_like(wanted, dtype=torch.bool)
        found = least_squares(moments, start, everything, start[None, :1], start, steps=12, tolerance=0)
        errors.append(float(((found - wanted) * scales).norm() / (wanted * scales).norm()))
    assert errors[1] == pytest.approx(errors[0], rel=1e-3)
    assert errors[0] < 1e-4


def test_filters_with_nothing_left_stay_zero():
    _, anchor, moments = problem(1)
    mask = torch.rand(anchor.shape) < 0.4
    mask[2] = False
    others, damping = torch.arange(6) != 2, admm.damping(moments, 0.4)
    found = least_squares(moments, anchor, mask, damping, anchor, steps=50)
    assert not found[2].any()
    alone = least_squares(
        moments.of_filters(others), anchor[others], mask[others], damping, anchor[others], steps=50
    )
    torch.testing.assert_close(found[others], alone, rtol=1e-3, atol=1e-3)


def test_admm_beats_the_magnitude_mask_at_equal_count():
    library, better = candidates()[::7], 0
    for seed in range(6):
        _, weight, moments = problem(seed)
        eight = Tiles(8, patterns=library)
        damping = admm.damping(moments, 1 / 4)
        solution = admm.solve(moments, weight.view(6, 4, 9), eight, damping)
        assert int(solution.mask.sum()) == 32
        assert len(solution.residuals) == 8
        assert solution.residuals[-1][0] < solution.residuals[0][0]
        magnitude = eight.project(weight.view(6, 4, 9))
        errors = [
            float(
                moments.error(least_squares(moments, weight, m.flatten(1), damping, weight, steps=200)).sum()
            )
            for m in (solution.mask, magnitude)
        ]
        better += errors[0] < errors[1]
    assert better >= 5


def test_admm_keeps_its_multipliers_where_rho_changes(monkeypatch):
    """Against the same steps with the multiplier itself, which has no rho in it (Boyd et al. 2011, 3.1)."""
    monkeypatch.setattr(admm, "_STAGES", 3)
    moments, weight = exact_problem(torch.ones(18, dtype=torch.float64))
    anchor, constraint = weight.view(3, 2, 9), Tiles(3, patterns=candidates()[::7])
    damping = torch.full((1, 1, 18), 0.05, dtype=torch.float64)
    scale = admm.importance(moments)
    gram, cross = moments.gram / (scale.mT * scale), moments.cross / scale
    pull, original = damping / scale.square(), weight[None] * scale
    z = original * constraint.project(original.view(3, 2, 9)).view(1, 3, 18)
    multiplier = torch.zeros_like(z)
    for rho in (0.05, 0.1**0.5, 2.0):
        system = gram + (pull.squeeze() + rho).diag()
        for _ in range(5):
            w = torch.linalg.solve(system, (cross + pull * original + rho * z - multiplier).mT).mT
            shifted = w + multiplier / rho
            z = shifted * constraint.project(shifted.view(3, 2, 9)).view(1, 3, 18)
            multiplier = multiplier + rho * (w - z)
    found = admm.solve(moments, anchor, constraint, damping)
    torch.testing.assert_close(found.weight, (z / scale).view(3, 2, 9), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rows", [20, 36, 60])
def test_few_rows_are_not_fitted_at_the_cost_of_others(rows):
    """As many as unknowns are the worst; and an input that was hardly on says nothing of what it can do."""
    x, weight, _ = problem(4)
    x[:rows, 7] *= 1e-3
    wanted = x @ weight.T + 3 * torch.randn(2000, 6, generator=torch.Generator().manual_seed(0))
    moments = Moments.of([x[:rows, None]], [wanted[:rows]], centred=False, group=Group())
    everything = torch.ones(6, 4, 9, dtype=torch.bool)
    anchor = weight.view(6, 4, 9)
    found = least_squares(moments, anchor, everything, admm.damping(moments, 1.0), anchor, steps=400)
    of_others = x[rows:] @ found.flatten(1).T - wanted[rows:]
    assert of_others.square().mean() < 0.05 * wanted.square().mean()


def test_admm_bears_inputs_that_are_never_on():
    x, weight, _ = problem(3)
    x[:, :9] = 0
    moments = Moments.of([x[:, None]], [x @ weight.T], centred=True, group=Group())
    six = Tiles(6, patterns=candidates()[:8])
    solution = admm.solve(moments, weight.view(6, 4, 9), six, admm.damping(moments, 1 / 6))
    assert torch.isfinite(solution.weight).all()
    assert int(solution.mask.sum()) == 24


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_matched_outputs_have_the_dense_moments(bias, affine):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, bias=bias), nn.BatchNorm2d(5, affine=affine).eval()
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    x, weight = torch.randn(4000, 1, 27) + 1, conv.weight.detach().flatten(1)
    dense = x[:, 0] @ (1.2 * weight + 0.05 * torch.randn_like(weight)).T + 3
    offset = 0 if conv.bias is None else conv.bias.detach()
    before = norm((dense + offset)[:, :, None, None])
    moments = Moments.of([x[:1000], x[1000:]], [dense[:1000], dense[1000:]], centred=True, group=Group())
    match_outputs(Site("conv", conv, norm, (3, 3), (1, 1), residual=False), moments, weight, dense.var(0))
    after = norm((x[:, 0] @ weight.T + offset)[:, :, None, None])
    torch.testing.assert_close(after.mean(0), before.mean(0), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(after.var(0), before.var(0), rtol=1e-3, atol=1e-3)


def test_without_a_norm_the_bias_takes_the_shift():
    conv = nn.Conv2d(3, 5, 3)
    before = conv.bias.detach().clone()
    site = Site("conv", conv, None, (3, 3), (1, 1), residual=False)
    x, weight = torch.randn(100, 1, 27), conv.weight.detach().flatten(1)
    wanted = x[:, 0] @ weight.T + 2
    match_outputs(site, Moments.of([x], [wanted], centred=True, group=Group()), weight, wanted.var(0))
    torch.testing.assert_close(conv.bias.detach(), before + 2)


def test_means_are_matched_where_epsilon_is_most_of_the_deviation():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6, eps=1e-3).eval()
    x = torch.randn(4000, 1, 36).relu() * 0.05
    weight = conv.weight.detach().flatten(1) * 0.3
    wanted = x[:, 0] @ weight.T
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(wanted.mean(0) + wanted.std(0))
    norm.running_var.copy_(wanted.var(0))
    assert float(norm.running_var.max()) < norm.eps
    site = Site("conv", conv, norm, (5, 5), (3, 3), residual=False)
    before = norm(wanted[:, :, None, None])[..., 0, 0].mean(0)
    pruned = weight.clone()
    pruned[::2] = 0
    moments = Moments.of([x], [wanted], centred=True, group=Group())
    match_outputs(site, moments, pruned.unflatten(1, (4, 9)), wanted.var(0))
    after = norm((x[:, 0] @ pruned.T)[:, :, None, None])[..., 0, 0].mean(0)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("factor", "most"), [(10.0, 4.0), (0.01, 0.05)])
def test_a_channels_variance_changes_only_so_much(factor, most):
    """What few images make of it may be chance: the next layers are to see no other scale."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5).eval()
    x, weight = torch.randn(1000, 1, 27), conv.weight.detach().flatten(1)
    wanted = x[:, 0] @ weight.T
    site = Site("conv", conv, norm, (3, 3), (1, 1), residual=False)
    moments = Moments.of([x], [wanted], centred=True, group=Group())
    match_outputs(site, moments, weight * factor, wanted.var(0))
    torch.testing.assert_close(norm.running_var, torch.full((5,), most), rtol=1e-3, atol=1e-3)


def test_a_channel_that_was_never_on_keeps_its_variance():
    """What these images say nothing of: others may turn it on."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(2, 2, 3, groups=2, bias=False), nn.BatchNorm2d(2).eval()
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_var.copy_(torch.tensor([0.5, 2.0]))
    x, weight = torch.randn(4000, 2, 9), conv.weight.detach().flatten(1)
    x[:, 0] = 0
    wanted = torch.einsum("rgd,gd->rg", x, weight)
    moments = Moments.of([x], [wanted], centred=True, group=Group())
    site = Site("conv", conv, norm, (3, 3), (1, 1), residual=False)
    match_outputs(site, moments, weight / 2, wanted.var(0))
    torch.testing.assert_close(norm.running_var, torch.tensor([0.5, 0.5]), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(norm.running_mean, torch.zeros(2), rtol=0, atol=0.1)
