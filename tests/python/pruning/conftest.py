from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

import nets

from patternlite.pruning import PruneConfig, PruneResult, prune


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The networks are too small for more: threads would only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def trained_model() -> nn.Module:
    return nets.trained()


@pytest.fixture(scope="session")
def config() -> PruneConfig:
    return PruneConfig(
        rate=4.0, macs=4.0, mean=(0.5,) * 3, std=(0.25,) * 3, images=256, refine_steps=4, distill_steps=0
    )


@pytest.fixture(scope="session")
def result(trained_model: nn.Module, config: PruneConfig) -> PruneResult:
    return prune(trained_model, (3, 16, 16), config)
