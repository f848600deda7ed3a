"""Pruning finds its way through the graph forms that users have."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import forms
import pytest
import torch
from torch import Tensor, nn

from patternlite.pruning import PruneConfig, prune
from patternlite.pruning.model.graph import Site, trace
from patternlite.pruning.model.outputs import tensors_of
from patternlite.pruning.model.walk import walk
from patternlite.pruning.projections import Tiles
from patternlite.pruning.sources import draw

QUICK = {"images": 64, "refine_steps": 0, "distill_steps": 0, "mean": (0.5,) * 3, "std": (0.25,) * 3}


@dataclass(frozen=True)
class Form:
    """kinds: to prune.  sites: how many of them there are, and at how many a residual branch ends.

    dense: why how many others stay dense.
    """

    make: Callable[[], nn.Module]
    side: int
    sites: tuple[int, int]
    dense: dict[str, int]
    kinds: tuple[str, ...] = ("3x3",)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (3, self.side, self.side)

    def model(self) -> nn.Module:
        torch.manual_seed(1)
        return forms.settled(self.make(), self.shape)

    def images(self, count: int) -> Tensor:
        return (draw("mix", count, self.shape, seed=3, purpose="test") - 0.5) / 0.25


FORMS = {
    "resnet18": Form(forms.resnet18, 64, (16, 8), {"7x7": 1, "1x1": 3}),
    "resnet50": Form(forms.resnet50, 64, (16, 0), {"7x7": 1, "1x1": 36}),
    "vgg16_bn": Form(forms.vgg16_bn, 64, (12, 0), {"first convolution": 1}),
    "mobilenetv2": Form(forms.mobilenetv2, 32, (21, 4), {"3x3": 1}, ("1x1", "depthwise")),
    "efficientnet_lite": Form(forms.efficientnet_lite, 32, (21, 3), {"3x3": 1}, ("1x1", "depthwise")),
    "regnet": Form(
        forms.regnet,
        64,
        (17, 7),
        {"7x7": 1, "2 groups": 1, "4 groups": 2, "8 groups": 3, "16 groups": 1},
        ("1x1",),
    ),
    "yolo": Form(forms.Yolo, 64, (19, 0), {"first convolution": 1, "1x1": 16, "used 3 times": 1}),
}


@pytest.fixture(params=FORMS)
def form(request) -> Form:
    return FORMS[request.param]


def test_sites_branch_ends_and_reasons_to_stay_dense_are_found(form):
    found = trace(form.model(), form.shape, kinds=form.kinds)
    assert (len(found.sites), sum(site.residual for site in found.sites)) == form.sites
    assert Counter(found.dense.values()) == form.dense
    plain = [site.name for site in found.sites if site.norm is None]
    assert plain == (["heads.0", "heads.1", "heads.2"] if form.make is forms.Yolo else [])


@torch.no_grad()
def test_a_walk_is_the_forward_pass(form):
    """Also of the weights that it changes on its way."""
    model, x = form.model(), form.images(6)
    sites = trace(model, form.shape, kinds=form.kinds).sites
    visits = {}
    for visit in walk(model, sites, list(x.split(4))):
        visits[visit.site.name] = torch.cat(visit.inputs)
        visit.site.conv.weight.mul_(0.5)
    assert sorted(visits) == sorted(site.name for site in sites)
    seen = inputs_of(model, sites, x)
    for name, inputs in visits.items():
        torch.testing.assert_close(inputs, seen[name])


def inputs_of(model: nn.Module, sites: list[Site], x: Tensor) -> dict[str, Tensor]:
    seen = {}
    handles = [
        site.conv.register_forward_pre_hook(
            lambda _, args, name=site.name: seen.update({name: args[0].clone()})
        )
        for site in sites
    ]
    model(x)
    for handle in handles:
        handle.remove()
    return seen


def test_it_is_pruned_closer_to_dense_than_by_magnitude(form):
    model, told = form.model(), []
    config = PruneConfig(rate=2.25, kinds=form.kinds, **QUICK)
    result = prune(model, form.shape, config, lambda _, done: told.append(done))
    report = result.report
    assert len(result.masks) == form.sites[0]
    assert report.rate == pytest.approx(2.25, rel=0.01)
    assert report.rate >= 2.25 - 1e-6
    assert not report.warnings
    assert told == sorted(told)
    result.masks.verify(result.model)
    one_shot = copy.deepcopy(model)
    for name, mask in result.masks.items():
        weight = one_shot.get_submodule(name).weight.data
        kept = mask.flatten(2).any(2)
        patterns = mask.flatten(2)[kept].unique(dim=0)
        weight *= Tiles(int(kept.sum()), patterns=patterns).project(weight.flatten(2)).view_as(weight)
    x = form.images(32)
    dense, ours, magnitude = (answer(m, x) for m in (model, result.model, one_shot))
    assert torch.isfinite(ours).all()
    assert likeness(ours, dense) > likeness(magnitude, dense) + 0.1


@torch.no_grad()
def answer(model: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([tensor.flatten(1) for tensor in tensors_of(model(x))], 1)


def likeness(a: Tensor, b: Tensor) -> float:
    """Correlation over the images. Of an output that died it is nothing; its distance would be as small."""
    a, b = a - a.mean(0), b - b.mean(0)
    return float((a * b).sum() / (a.norm() * b.norm()))
