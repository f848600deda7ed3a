"""ADMM by gradient descent: that it beats magnitudes, converges, and says so when it does not."""

from __future__ import annotations

import pytest
import torch

from patternlite.pruning import gradient
from patternlite.pruning.patterns import candidates
from patternlite.pruning.projections import Tiles


def solve(x: torch.Tensor, weight: torch.Tensor) -> gradient.Solution:
    y = torch.einsum("rgd,od->ro", x, weight.flatten(1))
    eight = Tiles(8, patterns=candidates()[:8])
    return gradient.solve(x, y, torch.relu, weight, eight, torch.Generator().manual_seed(0))


def test_gradient_admm_beats_the_magnitude_mask_behind_a_relu():
    random = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 1, 36, generator=random) @ torch.randn(36, 36, generator=random)
    weight = torch.randn(6, 4, 9, generator=random)
    solution = solve(x, weight)
    assert int(solution.mask.sum()) == 32
    assert not solution.weight[~solution.mask].any()
    assert len(solution.residuals) == 4
    assert solution.residuals[-1][0] < solution.residuals[0][0]
    wanted = torch.relu(x[:, 0] @ weight.flatten(1).T)
    magnitude = weight * Tiles(8, patterns=candidates()[:8]).project(weight)
    errors = [
        float((torch.relu(x[:, 0] @ w.flatten(1).T) - wanted).square().mean())
        for w in (solution.weight, magnitude)
    ]
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize("rows", [64, 1100])
def test_it_converges_on_few_rows(rows):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 1, 36, generator=random) @ torch.randn(36, 36, generator=random)
    solution = solve(x, torch.randn(6, 4, 9, generator=random))
    assert solution.residuals[-1][0] < 0.4
    assert solution.residuals[0][0] > 1


def test_a_descent_that_diverges_is_an_error():
    x = torch.full((64, 1, 36), 1e30)
    with pytest.raises(FloatingPointError, match="does not converge"):
        solve(x, torch.ones(6, 4, 9))
