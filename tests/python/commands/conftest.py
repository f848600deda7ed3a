"""What a client has: a network, its weights, what `prune` makes of them, and images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from .command_line import UNIT, run

NETWORK = """
from torch import nn

def block(i, o):
    return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]

def blocks():
    return [*block(3, 8), *block(8, 16)]

def net():
    return nn.Sequential(*blocks(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))

def flat():
    return nn.Sequential(*blocks(), nn.Flatten(), nn.Linear(16 * 12 * 12, 2))

def halved():
    return net().half()

ONE = net()

def one():
    return ONE
"""


@pytest.fixture(scope="session")
def client_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two networks; bright and dark images to tell apart."""
    import torch
    from PIL import Image

    from patternlite.models.named import load_model
    from patternlite.models.weights import save_weights

    folder = tmp_path_factory.mktemp("client")
    (folder / "client_net_of_test.py").write_text(NETWORK)
    random = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 12)):
        for name, level in (("dark", 60), ("light", 190)):
            (folder / "images" / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(level - 50, level + 50, (12, 12, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "images" / split / name / f"{i}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("net", "flat"):
            torch.manual_seed(0)
            save_weights(load_model(f"client_net_of_test:{name}"), Path(f"{name}_dense.safetensors"))
            result = run(
                "prune", f"client_net_of_test:{name}", "--input-shape", "3,12,12", *UNIT, "--rate", "3",
                "--weights", f"{name}_dense.safetensors", "--output", name,
            )  # fmt: skip
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def client(client_files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In the client's folder, on one thread: the layers are too small to share."""
    import torch

    monkeypatch.chdir(client_files)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield client_files
    torch.set_num_threads(before)
