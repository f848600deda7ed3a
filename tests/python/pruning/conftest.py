"""A small trained network and its pruned result, shared by the tests of this folder."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

import nets

from patternlite.pruning import Masks, PruneConfig, PruneResult, prune


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


@pytest.fixture(scope="module")
def images() -> tuple[torch.Tensor, torch.Tensor]:
    """To retrain on, uint8, and their labels."""
    x, labels = nets.textures(256, 4)
    return ((x * 0.25 + 0.5) * 255).round().to(torch.uint8), labels


@pytest.fixture
def damaged(trained_model: nn.Module) -> tuple[nn.Module, Masks]:
    """Half of the weights of every 3x3 convolution gone, at random, and their masks."""
    random = torch.Generator().manual_seed(0)
    model = copy.deepcopy(trained_model)
    weights = {name: m.weight for name, m in model.named_modules() if name.endswith(("conv1", "conv2"))}
    masks = Masks({name: torch.rand(w.shape, generator=random) < 0.5 for name, w in weights.items()})
    masks.apply(model)
    return model, masks
