"""What a pruned model is compared by: torch's own errors, of what both models really read and answer."""

from __future__ import annotations

import copy

import nets
import pytest
import torch
from torch.nn import functional as F

from patternlite.pruning.imitation import divergence, imitate, mean_square


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2**-7)])
def test_the_error_of_maps_and_its_gradient(kind: torch.dtype, tolerance: float) -> None:
    random = torch.Generator().manual_seed(0)
    value, target = (torch.randn(8, 6, 5, 5, generator=random).to(kind) for _ in range(2))
    value.requires_grad_(True)
    exact = value.detach().double().requires_grad_(True)
    wanted = F.mse_loss(exact, target.double())
    wanted.mul(3).backward()

    error = mean_square(value - target)
    error.mul(3).backward()

    assert error.dtype is torch.float32
    assert error.item() == pytest.approx(wanted.item(), rel=tolerance)
    assert value.grad is not None and value.grad.dtype is kind
    assert exact.grad is not None
    torch.testing.assert_close(value.grad.double(), exact.grad, rtol=2 * tolerance, atol=1e-6)


def test_both_models_are_watched_and_only_the_student_learns() -> None:
    torch.manual_seed(0)
    teacher = nets.plain().eval()
    student = copy.deepcopy(teacher)
    layers = [name for name, module in teacher.named_modules() if isinstance(module, torch.nn.Conv2d)][1:]
    x = torch.randn(4, 3, 12, 12)
    same = imitate(student, teacher, layers, x)
    assert len(same.maps) == len(layers)
    assert all(torch.equal(value, target) for value, target in same.maps)
    assert torch.equal(same.outputs[0], same.answers[0])

    with torch.no_grad():
        next(student.parameters()).mul_(0.5)  # the layer before the first that is watched
    apart = imitate(student, teacher, layers, x)
    errors = [mean_square(value - target) for value, target in apart.maps]
    assert all(error > 0 for error in errors)
    torch.stack(errors).sum().backward()
    assert next(student.parameters()).grad is not None
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert not any(module._forward_pre_hooks for module in (*teacher.modules(), *student.modules()))


def test_the_divergence_is_of_softened_answers_from_the_teachers() -> None:
    """With temperature 2, and as large as it is without one (Hinton et al., section 2.1)."""
    student, teacher = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    p, q = (teacher / 2).softmax(1), (student / 2).softmax(1)
    wanted = 4 * (p * (p / q).log()).sum(1).mean()
    assert float(divergence(student, teacher)) == pytest.approx(float(wanted), rel=1e-5)


class Sometimes(torch.nn.Module):
    """Its second layer is skipped in training, as stochastic depth does at random."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layers[0](x)
        return self.layers[2](x if self.training else x + self.layers[1](x))


def test_layers_that_the_student_skips_are_left_out() -> None:
    teacher = Sometimes().eval()
    layers = [f"layers.{i}" for i in range(3)]
    for training in (True, False):
        seen = imitate(copy.deepcopy(teacher).train(training), teacher, layers, torch.randn(2, 3, 8, 8))
        assert len(seen.maps) == (2 if training else 3)
