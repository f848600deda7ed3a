"""What one layer is pruned towards."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from patternlite.pruning.budget import Choice
from patternlite.pruning.layers import Method, Task, _halves, _response, prune_layer, study
from patternlite.pruning.model.graph import Site
from patternlite.pruning.model.walk import Visit
from patternlite.pruning.patterns import candidates
from patternlite.pruning.statistics import Sample
from patternlite.pruning.structures import DENSE, FREE
from patternlite.pruning.support.distributed import Group

PATTERNS = candidates()[::7]


def task(method: Method = "closed-form") -> Task:
    """With every row of 32 images of up to 11x11 pixels, and one pattern, of all taps."""
    library = {(3, 3): torch.ones(1, 9, dtype=torch.bool)}
    return Task(library, (), Sample(0, 4000, 32), Group(), method, trusted=True)


@pytest.mark.parametrize("biased", [False, True])
@torch.no_grad()
def test_a_response_is_what_norm_and_activation_make(biased):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, bias=biased), nn.BatchNorm2d(5).eval()
    for value in (norm.weight, norm.bias, norm.running_mean):
        value.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    site = Site("conv", conv, norm, (8, 8), (6, 6), residual=False, activation=torch.relu)
    x = torch.randn(2, 3, 8, 8)
    made = nn.functional.conv2d(x, conv.weight)
    rows, wanted = (y.permute(0, 2, 3, 1).flatten(0, 2) for y in (made, torch.relu(norm(conv(x)))))
    torch.testing.assert_close(_response(site)(rows), wanted)


@pytest.mark.parametrize(("gain", "dead"), [(1.0, False), (0.5, False), (1.0, True)])
@torch.no_grad()
def test_the_end_of_a_branch_makes_up_for_what_the_shortcut_lacks(gain, dead):
    """dead: a filter gives nothing, so that its norm's gain is 300 times that of the others."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4).eval()
    norm.weight.fill_(gain)
    lacks = 0.3 * torch.randn_like(conv.weight)
    if dead:
        conv.weight[0] = lacks[0] = norm.running_var[0] = 0
    site = Site("conv", conv, norm, (8, 8), (8, 8), residual=True)
    x, shortcut = torch.randn(32, 4, 8, 8), torch.randn(32, 4, 8, 8)
    missing = nn.functional.conv2d(x, lacks, padding=1) * gain
    wanted = conv.weight + lacks
    dense, now = Visit(site, [x], [shortcut]), Visit(site, [x], [shortcut - missing])
    prune_layer(dense, now, Choice(DENSE, 1, 1.0, 0.0, None), task())
    assert float((conv.weight - wanted).norm()) < 0.3 * float(lacks.norm())


@torch.no_grad()
def test_a_channel_that_the_norm_silences_makes_up_for_nothing():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4).eval()
    norm.weight[0] = 1e-3
    site = Site("conv", conv, norm, (8, 8), (8, 8), residual=True)
    x, shortcut = torch.randn(32, 4, 8, 8), torch.randn(32, 4, 8, 8)
    missing = nn.functional.conv2d(x, 0.3 * torch.randn_like(conv.weight), padding=1)
    before = conv.weight.clone()
    dense, now = Visit(site, [x], [shortcut]), Visit(site, [x], [shortcut - missing])
    prune_layer(dense, now, Choice(DENSE, 1, 1.0, 0.0, None), task())
    torch.testing.assert_close(conv.weight[0], before[0], rtol=0, atol=1e-4)
    assert float((conv.weight[1:] - before[1:]).norm()) > 0.5


class Activated(nn.BatchNorm2d):
    """As timm's BatchNormAct2d."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(super().forward(x))


def test_a_norm_with_a_forward_of_its_own_may_scale_otherwise():
    conv, norm = nn.Conv2d(4, 8, 3), Activated(8)
    nn.init.zeros_(norm.weight)  # of 1 + weight, say
    site = Site("conv", conv, norm, (8, 8), (6, 6), residual=False)
    assert torch.equal(site.fold, 1 / (norm.running_var + norm.eps).sqrt())
    norm.weight.data[0] = 1
    assert not site.fold[1:].any()


@pytest.mark.parametrize("method", ["closed-form", "none"])
@pytest.mark.parametrize("kind", [nn.BatchNorm2d, Activated])
@torch.no_grad()
def test_a_mask_keeps_nothing_that_exported_files_have_as_zeros(kind, method):
    """Norms are folded into convolutions there, so that a scale of 0 empties a filter."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 8, 3, padding=1, bias=False), kind(8).eval()
    norm.weight[1] = 0
    conv.weight[2] = conv.weight[4, 1] = 0
    conv.weight[5] *= 1e-25
    norm.weight[5] = 1e-18  # small in float32 each, and zero together
    norm.running_var[5] = 0
    site = Site("conv", conv, norm, (8, 8), (8, 8), residual=False)
    x = torch.randn(32, 4, 8, 8)
    visits = Visit(site, [x], None), Visit(site, [x], None)
    mask, report = prune_layer(*visits, Choice(FREE, 32, 1.0, 0.0, None), task(method))
    assert not mask[[1, 2, 5]].any()
    assert mask[[0, 3]].all()
    assert torch.equal(mask, conv.weight != 0)
    folded = conv.weight * (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None, None]
    assert torch.equal(mask, folded.abs() >= torch.finfo(folded.dtype).tiny)
    assert report.weights == int(mask.sum())


@pytest.mark.parametrize("after", ["nothing", "bias", "norm"])
@torch.no_grad()
def test_the_error_is_that_of_what_follows(after):
    """A mean that a bias or a norm can add is none, and what the norm makes larger counts more."""
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 8, 3, bias=after == "bias")
    norm = nn.BatchNorm2d(8).eval() if after == "norm" else None
    if norm is not None:
        norm.weight.uniform_(0.2, 3)
    site = Site("conv", conv, norm, (8, 8), (6, 6), residual=False)
    x, gain, before = torch.randn(32, 4, 8, 8) + 1, site.gain[:, None, None], conv.weight.clone()
    visits = Visit(site, [x], None), Visit(site, [x], None)
    _, report = prune_layer(*visits, Choice(FREE, 8, 1 / 9, 0.0, None), task())
    wanted, lost = (gain * nn.functional.conv2d(x, w) for w in (before, conv.weight - before))
    if after != "nothing":
        wanted, lost = (y - y.mean((0, 2, 3), keepdim=True) for y in (wanted, lost))
    assert report.relative_error == pytest.approx(
        float(lost.square().sum() / wanted.square().sum()), rel=1e-3
    )


@torch.no_grad()
def test_images_that_cannot_be_trusted_choose_no_weights():
    """Neither how many stay in each layer, nor which."""
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 8, 3)
    site = Site("conv", conv, None, (8, 8), (6, 6), residual=False)
    largest = FREE.constraint(8, PATTERNS).project(conv.weight.flatten(2)).view_as(conv.weight)
    of_noise = replace(task("none"), libraries={(3, 3): PATTERNS}, structures=(FREE,), trusted=False)
    x = torch.randn(32, 4, 8, 8)
    x[:, 0] *= 100
    curves = [study(Visit(site, [images], None), of_noise)["free"].errors for images in (x, x.flip(1))]
    assert torch.equal(*curves)
    visits = Visit(site, [x], None), Visit(site, [x], None)
    mask, _ = prune_layer(*visits, Choice(FREE, 8, 1 / 9, 0.0, None), of_noise)
    assert torch.equal(mask, largest)


@torch.no_grad()
def test_gradient_admm_leaves_the_norm_alone():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 8, 3, bias=False), nn.BatchNorm2d(8).eval()
    site, x = Site("conv", conv, norm, (8, 8), (6, 6), residual=False), torch.randn(32, 4, 8, 8) + 1
    before = copy.deepcopy(norm.state_dict())
    visits = Visit(site, [x], None), Visit(site, [x], None)
    prune_layer(*visits, Choice(FREE, 8, 1 / 9, 0.0, None), task("gradient"))
    assert all(torch.equal(before[key], value) for key, value in norm.state_dict().items())


def test_every_row_is_in_one_half():
    """Of which one is fitted to, and the other tells the error; odd rows go to either in turns."""
    parts = [torch.arange(start, start + 5) for start in (0, 5, 10)]
    first, second = _halves(parts, 1)
    assert [len(half) for half in first] == [3, 2, 3]
    assert all(torch.equal(torch.cat(pair), part) for *pair, part in zip(first, second, parts, strict=True))
