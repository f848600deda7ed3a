"""Whole-model distillation on synthetic images: the pruned model learns to answer as the dense one does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .imitation import divergence, imitate, mean_square
from .masks import Masks
from .model.outputs import comparable, may_be_logits
from .model.precision import Form, half, laid_out
from .support.checkpoint import Checkpoint, Record
from .support.distributed import Group
from .support.seeds import generator

_RATE = 5e-4  # Adam's learning rate, with a cosine down to zero
_SAVE_EVERY = 30.0  # seconds


@dataclass(frozen=True)
class Distillation:
    """How a model is distilled.

    batch: images per step; each process of the group trains on its part of them.
    store: for what a stopped run resumes from.  advance: called with the fraction done and the step.
    """

    steps: int
    batch: int
    seed: int
    group: Group
    store: Checkpoint
    advance: Callable[[float, str], None]


@torch.enable_grad()
def distill(
    student: nn.Module,
    teacher: nn.Module,
    layers: list[str],
    masks: Masks,
    images: Tensor,
    run: Distillation,
) -> bool:
    """Trains `student` in place, keeping its zeros, on the teacher's outputs and the inputs of `layers`.

    Both models stay in eval mode, so normalisation statistics are fixed. Frozen parameters learn only if all
    are frozen.
    images: (N, C, H, W), normalised, the same in every process.
    Returns whether the student learnt: a model that computes without gradients stays as it is. Raises
    ValueError when the loss is not finite, which deletes the checkpoint.
    """
    learnable = {name: p for name, p in student.named_parameters() if p.is_floating_point()}
    trained = {name: p for name, p in learnable.items() if p.requires_grad} or learnable
    flags = [p.requires_grad for p in trained.values()]
    for parameter in trained.values():
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(trained.values(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.steps)
    done, saved, learns = _resumed(run.store, trained, optimizer, schedule), time.monotonic(), True
    with laid_out(images.shape[1:], student, teacher) as form, masks.enforced(student):
        for step in range(done, run.steps):
            optimizer.zero_grad()
            x = _augmented(images, run.batch, generator(run.seed, "distill", step))
            loss, wanted = _loss(student, teacher, layers, x, form, run.group)
            if not (learns := loss.requires_grad):
                break
            _require_finite(loss, wanted, run.group, run.store)
            loss.backward()
            _sum_gradients(trained.values(), run.group)
            optimizer.step()
            schedule.step()
            if step + 1 == run.steps or run.group.from_first(time.monotonic() - saved > _SAVE_EVERY):
                _save(run.store, step + 1, trained, optimizer, schedule)
                saved = time.monotonic()
            run.advance((step + 1) / run.steps, f"step {step + 1} of {run.steps}")
    student.zero_grad(set_to_none=True)
    for parameter, flag in zip(trained.values(), flags, strict=True):
        parameter.requires_grad_(flag)
    return learns


def _loss(
    student: nn.Module,
    teacher: nn.Module,
    layers: list[str],
    batch: Tensor,
    form: Form,
    group: Group,
) -> tuple[Tensor, list[Tensor]]:
    """This process's part of the whole batch's loss, such that the parts add up to one process's loss.

    Also returns the targets: the mean squares of what the teacher's layers read, and its answers.
    """
    _, own = group.share(list(batch))
    x = form.of(torch.stack(own) if own else batch[:1])
    share = len(own) / len(batch)
    with half(x.device, form.low):
        seen = imitate(student, teacher, layers, x)
    answers = [comparable(*pair) for pair in zip(seen.outputs, seen.answers, strict=True)]
    pairs = [*seen.maps, *answers]
    energies = group.sum(torch.stack([mean_square(target) for _, target in pairs]) * share)
    errors = torch.stack([mean_square(value - target) for value, target in pairs])
    loss = (errors / energies.clamp_min(1e-12)).sum()
    # For answers that look like a classifier's, the softmax counts in addition to the squares, not instead:
    # it may be a regression, and a softmax does not change when all answers shift by the same amount.
    if may_be_logits(seen.answers):
        loss = loss + divergence(seen.outputs[0], seen.answers[0])
    return share * loss, [energies, *seen.answers]


def _require_finite(loss: Tensor, wanted: list[Tensor], group: Group, store: Checkpoint) -> None:
    """Raises ValueError in all processes if the loss is not finite in one, and deletes the checkpoint.

    The error advises other options, and a run with other options would refuse the checkpoint.
    wanted: the dense model's values, which may be the reason.
    """
    if float(group.sum((~torch.isfinite(loss)).float())):
        store.discard()
        dense = "the dense model's own values are infinite or undefined in places: so may gradients be"
        why = "" if all(bool(torch.isfinite(values).all()) for values in wanted) else f" ({dense})"
        raise ValueError(f"distillation diverges{why}: set distill_steps=0, or ask for a lower rate")


def _sum_gradients(parameters: Iterable[nn.Parameter], group: Group) -> None:
    gradients = [p.grad for p in parameters if p.grad is not None]
    if group.size == 1:
        return
    total = group.sum(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, part in zip(gradients, total.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


_Schedule = torch.optim.lr_scheduler.LRScheduler


def _save(
    store: Checkpoint,
    steps: int,
    trained: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    schedule: _Schedule,
) -> None:
    tensors: dict[str, Tensor] = {}
    for name, parameter in trained.items():
        tensors |= {f"{key} {name}": value for key, value in optimizer.state.get(parameter, {}).items()}
        tensors[f"weight {name}"] = parameter
    store.save("distill", Record(tensors, {"steps": steps, "schedule": schedule.state_dict()}))


@torch.no_grad()
def _resumed(
    store: Checkpoint,
    trained: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    schedule: _Schedule,
) -> int:
    """Puts back what `_save` kept; returns the number of steps done."""
    record = store.load("distill")
    if record is None:
        return 0
    for key, value in record.tensors.items():
        kind, _, name = key.partition(" ")
        if kind == "weight":
            trained[name].copy_(value)
        else:  # Adam keeps its step count on the CPU
            like = value if kind == "step" else value.to(trained[name].device)
            optimizer.state[trained[name]][kind] = like
    schedule.load_state_dict(record.values["schedule"])
    for parameters, rate in zip(optimizer.param_groups, schedule.get_last_lr(), strict=True):
        parameters["lr"] = rate
    return record.values["steps"]


def _augmented(images: Tensor, count: int, random: torch.Generator) -> Tensor:
    """A random batch: all shifted, half of it flipped, half of it mixed pairwise."""
    pick = torch.randint(len(images), (min(count, len(images)),), generator=random)
    x = images[pick.to(images.device)]
    shift = torch.randint(-2, 3, (2,), generator=random).tolist()
    x = torch.roll(x, shift, dims=(2, 3))
    middle = len(x) // 2
    x = torch.cat([x[:middle].flip(3), x[middle:]])
    share = torch.rand(len(x), 1, 1, 1, generator=random, dtype=x.dtype).to(x.device)
    mixed = torch.rand(len(x), 1, 1, 1, generator=random, dtype=x.dtype).to(x.device) < 0.5
    return torch.where(mixed, torch.lerp(x, x.roll(1, 0), share), x)
