"""A model's state_dict as tensors, and a digest of tensors by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def tensors_in(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of its state_dict; what get_extra_state puts there besides is left out."""
    return {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}


def all_tensors_in(model: nn.Module) -> dict[str, Tensor]:
    """The buffers that its state_dict leaves out, too."""
    return {**dict(model.named_buffers()), **tensors_in(model)}


def frozen_in(model: nn.Module) -> list[str]:
    """Names of the parameters that do not learn."""
    return [name for name, parameter in model.named_parameters() if not parameter.requires_grad]


def digest_of(tensors: Mapping[str, Tensor], begin: bytes = b"") -> str:
    """sha256 of `begin`, and of names, types, shapes and bytes, sorted by name."""
    digest = hashlib.sha256(begin)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
