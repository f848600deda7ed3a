"""Whole-model distillation on synthetic images: the pruned model learns to answer as the dense one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .masks import Masks

_BATCH = 64
_RATE = 5e-4  # Adam's, with a cosine to zero
_TEMPERATURE = 2.0  # of Hinton et al., arXiv:1503.02531


@torch.enable_grad()
def distill(
    student: nn.Module,
    teacher: nn.Module,
    layers: list[str],
    masks: Masks,
    images: Tensor,
    steps: int,
    generator: torch.Generator,
    advance: Callable[[float], None],
) -> None:
    """Trains `student` in place, zeros kept, on the teacher's outputs and on the inputs of `layers`.

    Both stay in eval mode: normalisation statistics are fixed, only weights and affine terms learn.
    images: (N, C, H, W), normalised.  advance: told the fraction done.
    """
    trained = {p: p.requires_grad for p in student.parameters()}
    student.requires_grad_(True)
    optimizer = torch.optim.Adam(trained, lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with masks.enforced(student):
        for step in range(steps):
            x = _augmented(images, generator)
            with torch.no_grad(), _inputs_of(teacher, layers) as wanted:
                answer = teacher(x)
            with _inputs_of(student, layers) as given:
                output = student(x)
            loss = _feature_loss(given, wanted) + _answer_loss(output, answer)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            advance((step + 1) / steps)
    student.zero_grad(set_to_none=True)
    for parameter, flag in trained.items():
        parameter.requires_grad_(flag)


def _answer_loss(output: Tensor, answer: Tensor) -> Tensor:
    """Kullback-Leibler divergence for (N, classes) logits, relative squared error for anything else."""
    if output.ndim != 2 or output.shape[1] < 2:
        return _relative_error(output, answer)
    student, teacher = (F.log_softmax(value / _TEMPERATURE, 1) for value in (output, answer))
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * _TEMPERATURE**2


def _feature_loss(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> Tensor:
    return torch.stack([_relative_error(given[name], wanted[name]) for name in given]).sum()


def _relative_error(value: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(value, target) / target.square().mean().clamp_min(1e-12)


def _augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """A random batch: shifted, half of it flipped, half of it mixed pairwise."""
    pick = torch.randint(len(images), (min(_BATCH, len(images)),), generator=generator)
    x = images[pick.to(images.device)]
    shift = torch.randint(-2, 3, (2,), generator=generator).tolist()
    x = torch.roll(x, shift, dims=(2, 3))
    half = len(x) // 2
    x = torch.cat([x[:half].flip(3), x[half:]])
    share = torch.rand(len(x), 1, 1, 1, generator=generator).to(x.device)
    mixed = torch.rand(len(x), 1, 1, 1, generator=generator).to(x.device) < 0.5
    return torch.where(mixed, torch.lerp(x, x.roll(1, 0), share), x)


@contextmanager
def _inputs_of(model: nn.Module, names: list[str]) -> Iterator[dict[str, Tensor]]:
    inputs: dict[str, Tensor] = {}
    handles = [
        model.get_submodule(name).register_forward_pre_hook(
            lambda _module, args, name=name: inputs.__setitem__(name, args[0])
        )
        for name in names
    ]
    try:
        yield inputs
    finally:
        for handle in handles:
            handle.remove()
