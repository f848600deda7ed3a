"""What a model returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor, nn

from ..support.seeds import generator, seeded

NO_CLASS = -1e30  # a logit that leaves its class out, with no probability and no gradient


def tensors_of(output: object) -> list[Tensor]:
    """The tensors in an output: one, or several in lists, tuples, dicts and dataclasses, without None."""
    if isinstance(output, Tensor):
        return [output]
    if output is None:
        return []
    if is_dataclass(output) and not isinstance(output, type):
        output = [getattr(output, field.name) for field in fields(output)]
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [tensor for part in output for tensor in tensors_of(part)]
    raise ValueError(
        f"the model returns a {type(output).__name__}: return tensors, or lists, tuples, dicts and "
        "dataclasses of them"
    )


def answers_of(output: object) -> list[Tensor]:
    """What two models are compared by, as float32: the floating-point tensors, or all if there are none.

    Integers, such as a class's number, follow from these, and near numbers do not mean near answers.
    """
    tensors = tensors_of(output)
    floating = [tensor for tensor in tensors if tensor.is_floating_point()]
    return [tensor.float() for tensor in floating or tensors]


def may_be_logits(answers: Sequence[Tensor]) -> bool:
    """Whether they look like a classifier's, one tensor (N, classes). Those of a regression may, too."""
    return len(answers) == 1 and answers[0].ndim == 2 and answers[0].shape[1] > 1


def comparable(given: Tensor, wanted: Tensor, filler: float = 0.0) -> tuple[Tensor, Tensor]:
    """Both, with `filler` where the wanted one is infinite or NaN, to which nothing can be near.

    Examples are the logits of classes that a model rules out, and logarithms of 0.
    """
    finite = torch.isfinite(wanted)
    return given.where(finite, filler), wanted.where(finite, filler)


@torch.no_grad()
def trial(
    model: nn.Module, shape: tuple[int, ...], layout: torch.memory_format = torch.contiguous_format
) -> list[Tensor]:
    """The model's outputs for two images (C, H, W) of noise, always the same ones.  model: in eval mode."""
    device = next(model.parameters()).device
    random = generator(0, "trial")
    x = torch.randn(2, *shape, generator=random, dtype=torch.float32, device="cpu").to(device)
    with seeded(0, device):
        return tensors_of(model(x.contiguous(memory_format=layout)))
