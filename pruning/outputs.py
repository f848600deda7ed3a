"""What a model returns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .seeds import generator, seeded


def tensors_of(output: object) -> list[Tensor]:
    """Its tensors: one, or several in lists, tuples and dicts."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [tensor for part in output for tensor in tensors_of(part)]
    raise ValueError(
        f"the model returns a {type(output).__name__}: return tensors, or lists, tuples and dicts of them"
    )


@torch.no_grad()
def trial(
    model: nn.Module, shape: tuple[int, ...], layout: torch.memory_format = torch.contiguous_format
) -> list[Tensor]:
    """What it makes of two images (C, H, W) of noise, always the same ones.  model: in eval mode."""
    device = next(model.parameters()).device
    x = torch.randn(2, *shape, generator=generator(0, "trial")).to(device)
    with seeded(0, device):
        return tensors_of(model(x.contiguous(memory_format=layout)))
