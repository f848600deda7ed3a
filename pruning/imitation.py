"""How far a pruned model is from the dense one, in what its layers read and in its answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model.outputs import NO_CLASS, answers_of, comparable

_TEMPERATURE = 2.0  # of Hinton et al., arXiv:1503.02531


@dataclass(frozen=True)
class Imitation:
    """What both models make of the same batch.

    maps: for each layer that runs in both (in training a student may skip some at random), what it reads in
        the student and in the teacher, in the models' own precision.
    outputs, answers: what the student and the teacher return, float32.
    """

    maps: list[tuple[Tensor, Tensor]]
    outputs: list[Tensor]
    answers: list[Tensor]


def imitate(student: nn.Module, teacher: nn.Module, layers: Iterable[str], x: Tensor) -> Imitation:
    """Runs both; gradients go to the student alone. layers: names of modules, the same in both."""
    with torch.no_grad(), _inputs_of(teacher, layers) as wanted:
        answers = answers_of(teacher(x))
    with _inputs_of(student, layers) as given:
        outputs = answers_of(student(x))
    return Imitation([(given[name], wanted[name]) for name in wanted if name in given], outputs, answers)


def divergence(output: Tensor, answer: Tensor) -> Tensor:
    """The loss of (N, classes) logits: the Kullback-Leibler divergence of both models' softened answers."""
    both = comparable(output, answer, NO_CLASS)
    student, teacher = (F.log_softmax(value / _TEMPERATURE, 1) for value in both)
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * _TEMPERATURE**2


def mean_square(values: Tensor) -> Tensor:
    """The mean square, in float32; maps in half precision are read only once."""
    return torch.linalg.vector_norm(values, dtype=torch.float32).square() / values.numel()


@contextmanager
def _inputs_of(model: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
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
