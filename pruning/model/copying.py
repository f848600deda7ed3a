"""Copies of models."""

from __future__ import annotations

import copy

import torch
from torch import nn


def copied(model: nn.Module) -> nn.Module:
    """A copy of the model, in eval mode. Raises ValueError if it cannot be copied."""
    try:
        with torch.no_grad():  # TorchScript copies by computing
            own = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"the model cannot be copied ({error}): {_way_to_copy(error)}") from error
    for mine, given in zip(own.parameters(), model.parameters(), strict=True):
        mine.requires_grad_(given.requires_grad)
    own.eval()  # not chained, since some models' eval() does not return the model
    return own


def _way_to_copy(error: Exception) -> str:
    if "graph leaves" in str(error):  # it holds tensors that were computed with gradients
        return (
            "use torch.nn.utils.parametrizations in place of weight_norm and spectral_norm, prune.remove() "
            "where torch.nn.utils.prune made masks, and keep no maps in it"
        )
    return "take out of it what copy.deepcopy cannot copy"
