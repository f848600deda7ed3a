"""The loss on maps: torch's own mean squared error, whatever the precision of the maps."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from patternlite.pruning import distill


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2**-7)])
def test_the_error_of_maps_and_its_gradient(kind: torch.dtype, tolerance: float) -> None:
    random = torch.Generator().manual_seed(0)
    value, target = (torch.randn(8, 6, 5, 5, generator=random).to(kind) for _ in range(2))
    value.requires_grad_(True)
    exact = value.detach().double().requires_grad_(True)
    wanted = F.mse_loss(exact, target.double())
    wanted.mul(3).backward()

    error = distill._mean_square(value - target)
    error.mul(3).backward()

    assert error.dtype is torch.float32
    assert error.item() == pytest.approx(wanted.item(), rel=tolerance)
    assert value.grad is not None and value.grad.dtype is kind
    assert exact.grad is not None
    torch.testing.assert_close(value.grad.double(), exact.grad, rtol=2 * tolerance, atol=1e-6)
