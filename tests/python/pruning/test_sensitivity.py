"""The error that a rate costs a layer: on images that were not fitted to, as what follows sees it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from patternlite.pruning.model.graph import Site
from patternlite.pruning.patterns import candidates
from patternlite.pruning.sensitivity import measure
from patternlite.pruning.statistics import Moments
from patternlite.pruning.structures import STRUCTURES
from patternlite.pruning.support.distributed import Group

LIBRARY = candidates()[::7]


def moments_of(weight: torch.Tensor, noise: float, seed: int) -> Moments:
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(500, 1, weight[0].numel(), generator=random)
    y = x[:, 0] @ weight.flatten(1).T
    y = y + noise * y.std(0) * torch.randn(y.shape, generator=random)
    return Moments.of([x], [y], centred=True, group=Group())


def errors(site: Site, fit: Moments, test: Moments) -> list[float]:
    return measure(site, fit, test, LIBRARY, [STRUCTURES["free"]])["free"].errors.tolist()


@torch.no_grad()
def test_errors_are_those_of_the_images_that_were_not_fitted_to():
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 8, 3)
    site = Site("conv", conv, None, (8, 8), (6, 6), residual=False)
    same, noisy = (moments_of(conv.weight, noise, seed=1) for noise in (0.0, 3.0))
    assert max(errors(site, same, same)) < 1
    assert min(errors(site, same, noisy)) > 0.85  # 9 tenths of these outputs are noise


@torch.no_grad()
def test_a_filter_that_the_norm_silences_counts_for_nothing():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2).eval()
    conv.weight[1] = 0
    conv.weight[1, 0] = LIBRARY[0].view(3, 3).float()  # one kernel, which every rate leaves
    norm.weight[0] = 0
    moments = moments_of(conv.weight, 0.0, seed=1)
    site = Site("conv", conv, norm, (8, 8), (6, 6), residual=False)
    assert errors(site, moments, moments)[:3] == pytest.approx([0.0] * 3, abs=1e-3)
    norm.weight[0] = 1
    assert errors(site, moments, moments)[2] > 0.03
