"""Moments of channels with their gradients, and the BatchNorm gap."""

from __future__ import annotations

import forms
import nets
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import trace
from patternlite.pruning.model.norm_statistics import bn_gap, feature_moments
from patternlite.pruning.support.distributed import Group


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 1e-2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(2, 5, 7, 3), (3, 16, 1, 1), (4, 33, 8, 8)])
def test_moments_and_their_gradients_are_those_of_each_channel(shape, layout, dtype, tolerance):
    norm = nn.BatchNorm2d(shape[1]).eval()
    x = (torch.randn(shape) * torch.arange(1, shape[1] + 1)[:, None, None] + 2).to(dtype)
    exact = x.double().requires_grad_()
    x = x.contiguous(memory_format=layout).requires_grad_()
    with feature_moments([norm]) as moments:
        norm(x)
    wanted = exact.mean((0, 2, 3)), exact.var((0, 2, 3), correction=0)
    for value, target in zip(moments[norm], wanted, strict=True):
        assert value.dtype == torch.float32
        torch.testing.assert_close(value.double(), target, rtol=1e-4, atol=1e-4)
    for given in (moments[norm], wanted):
        (given[0].square().sum() + given[1].sqrt().sum()).backward()
    assert (x.grad - exact.grad).norm() < tolerance * exact.grad.norm()


class ActiveBatchNorm(nn.BatchNorm2d):
    """With its activation, as timm has it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(min=-0.5)


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("kind", [nn.BatchNorm2d, ActiveBatchNorm])
def test_gradients_of_a_norm_that_is_measured(kind, affine, learns):
    """What follows the norm works in place, as ReLUs in torchvision's networks do."""
    norm = kind(6, affine=affine).eval()
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    if affine:
        nn.init.uniform_(norm.weight, -2, 2)
        nn.init.uniform_(norm.bias)
    norm.requires_grad_(learns)
    given = torch.randn(4, 6, 5, 3).contiguous(memory_format=torch.channels_last)
    outer = torch.randn_like(given)
    gradients = []
    for measured in (True, False):
        x = given.clone().requires_grad_()
        with feature_moments([norm] if measured else []) as moments:
            y = norm(x)
        mean, variance = moments[norm] if measured else (x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0))
        (y.mul_(outer).square().sum() + mean.square().sum() + variance.sqrt().sum()).backward()
        gradients.append(x.grad)
        assert "forward" not in vars(norm)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_a_constant_channel_has_no_variance():
    norm = nn.BatchNorm2d(2).eval()
    x = torch.stack([torch.full((4, 4), 3.0), torch.arange(16.0).view(4, 4)])[None].requires_grad_()
    with feature_moments([norm]) as moments:
        norm(x)
    mean, variance = moments[norm]
    assert mean.tolist() == [3.0, 7.5]
    assert variance.tolist() == pytest.approx([0.0, 21.25])
    (mean + variance).sum().backward()
    assert x.grad.isfinite().all()


def test_the_gap_is_zero_on_what_was_remembered_and_grows_away_from_it(trained_model):
    x = nets.textures(512, 77)[0]
    norms = trace(trained_model, (3, 16, 16)).norms
    near = bn_gap(trained_model, norms, [x[:200], x[200:]], Group())
    far = bn_gap(trained_model, norms, [torch.rand_like(x)], Group())
    assert near.mean < 0.1 * far.mean
    assert bn_gap(trained_model, norms, [x], Group()).mean == pytest.approx(near.mean, rel=1e-3)

    remembering = nets.plain().train()
    for module in remembering.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    batch = torch.randn(64, 3, 12, 12)
    remembering(batch)
    exact = bn_gap(
        remembering.eval(), trace(remembering, (3, 12, 12)).norms, [batch[:20], batch[20:]], Group()
    )
    assert exact.mean < 1e-8
    assert exact.deviation < 1e-6
    assert exact.fits_least_squares


def test_a_dead_channel_is_no_part_of_the_gap():
    model, x = forms.settled(nets.plain(), (3, 12, 12)), torch.randn(64, 3, 12, 12)
    norms = trace(model, (3, 12, 12)).norms
    alive = bn_gap(model, norms, [x], Group())
    norms[-1].running_var[0], norms[-1].running_mean[0] = 0, -1
    assert bn_gap(model, norms, [x], Group()).mean < 2 * alive.mean
    for norm in norms:
        norm.running_var.zero_()
    assert bn_gap(model, norms, [x], Group()).mean > 100


class FrozenBatchNorm2d(nn.Module):
    """As torchvision has it."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, getattr(norm, name).detach())
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return x * scale[:, None, None] + (self.bias - self.running_mean * scale)[:, None, None]


def test_norms_of_a_frozen_class_are_told_the_way_back():
    shape = (3, 12, 12)
    model = forms.settled(nets.plain(), shape)
    config = PruneConfig(
        rate=2.25, images=64, refine_steps=0, distill_steps=0, mean=(0.5,) * 3, std=(0.25,) * 3
    )
    wanted = prune(model, shape, config).report.gap
    for i in (1, 4, 7):
        model[i] = FrozenBatchNorm2d(model[i])
    (told,) = prune(model, shape, config).report.warnings
    assert "put nn.BatchNorm2d(channels, frozen.eps) in the place" in told
    for i in (1, 4, 7):
        frozen = model[i]
        model[i] = nn.BatchNorm2d(len(frozen.weight), frozen.eps)
        model[i].load_state_dict(frozen.state_dict(), strict=False)
    assert prune(model, shape, config).report.gap == wanted
