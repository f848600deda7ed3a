"""A model's tensors: saving and restoring them, which of them learn, and on which device they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def tensors_in(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of its state_dict, without what get_extra_state adds."""
    return {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}


def all_tensors_in(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of its state_dict, and the buffers that it leaves out."""
    return {**dict(model.named_buffers()), **tensors_in(model)}


@contextmanager
def put_back_on_error(model: nn.Module) -> Iterator[None]:
    """If this context is left by an error or Ctrl-C, restores the model's tensors.

    Buffers that were made, resized or dropped meanwhile stay so. Gradients are removed in any case.
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


def require_float32(model: nn.Module) -> None:
    """Raises ValueError, naming the layer, where a convolution's weights are of another type."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.weight.dtype != torch.float32:
            raise ValueError(
                f"{name} holds {module.weight.dtype} weights: give the model as float32 (model.float())"
            )


def device_of(model: nn.Module) -> torch.device:
    """The device of its first parameter; the CPU if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
