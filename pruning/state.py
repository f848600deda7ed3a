"""A model's state_dict as tensors, to digest and to put back, where a model is, and copies of models."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def tensors_in(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of its state_dict; what get_extra_state puts there besides is left out."""
    return {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}


def all_tensors_in(model: nn.Module) -> dict[str, Tensor]:
    """The buffers that its state_dict leaves out, too."""
    return {**dict(model.named_buffers()), **tensors_in(model)}


@contextmanager
def put_back_on_error(model: nn.Module) -> Iterator[None]:
    """Where the context is left by an error, or by Ctrl-C, the model holds what it held before.

    Buffers that it has made, resized or dropped meanwhile stay so. No gradients stay in any case.
    """
    before = {name: value.clone() for name, value in all_tensors_in(model).items()}
    try:
        yield
    except BaseException:
        with torch.no_grad():
            now = all_tensors_in(model)
            for name, value in before.items():
                if name in now and now[name].shape == value.shape:
                    now[name].copy_(value)
        raise
    finally:
        model.zero_grad(set_to_none=True)


def frozen_in(model: nn.Module) -> list[str]:
    """Names of the parameters that do not learn."""
    return [name for name, parameter in model.named_parameters() if not parameter.requires_grad]


def digest_of(tensors: Mapping[str, Tensor], begin: bytes = b"") -> str:
    """sha256 of `begin`, and of names, types, shapes and bytes, sorted by name."""
    digest = hashlib.sha256(begin)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def device_of(model: nn.Module) -> torch.device:
    """Where its first parameter is; the CPU where it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def copied(model: nn.Module) -> nn.Module:
    """A copy, in eval mode. Raises ValueError where there can be none."""
    try:
        with torch.no_grad():  # TorchScript computes its copies
            own = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"the model cannot be copied ({error}): {_way_to_copy(error)}") from error
    for mine, given in zip(own.parameters(), model.parameters(), strict=True):
        mine.requires_grad_(given.requires_grad)
    own.eval()  # not every model's gives itself back
    return own


def _way_to_copy(error: Exception) -> str:
    if "graph leaves" in str(error):  # it holds what gradients go through
        return (
            "use torch.nn.utils.parametrizations in place of weight_norm and spectral_norm, prune.remove() "
            "where torch.nn.utils.prune made masks, and keep no maps in it"
        )
    return "take out of it what copy.deepcopy cannot copy"
