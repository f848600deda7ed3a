"""A model's tensors, to keep and to put back; which of them learn, and where they are."""

from __future__ import annotations

from collections.abc import Iterator
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


def device_of(model: nn.Module) -> torch.device:
    """Where its first parameter is; the CPU where it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
