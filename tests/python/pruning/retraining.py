"""What tests of retraining share."""

from __future__ import annotations

import torch

from patternlite.pruning.config import RetrainConfig

NORMAL = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
CONFIG = RetrainConfig(epochs=2, learning_rate=0.02, batch=64, **NORMAL)


def same_bits(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    state = other.state_dict()
    return all(torch.equal(value, state[key]) for key, value in one.state_dict().items())
