"""The same command under torchrun: two processes, one result, the one that a single process finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

NETWORK = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    layers = []
    for i, o in ((3, 8), (8, 16)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))
"""


def test_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    from patternlite.pruning import Masks

    (tmp_path / "shared_net_of_test.py").write_text(NETWORK)
    several = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    found, printed = {}, {}
    for name, launcher in (("one", ()), ("two", several)):
        command = [
            sys.executable, "-m", *launcher, "patternlite", "prune", "shared_net_of_test:net",
            "--input-shape", "3,8,8", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--rate", "4",
            "--output", name,
        ]  # fmt: skip
        run = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        assert run.returncode == 0, run.stderr
        printed[name] = run.stdout.count("1 layers: weights")
        proof = json.loads((tmp_path / name / "certificate.json").read_text())
        assert (proof["processes"], proof["threads"]) == (1 + (name == "two"), 1)
        found[name] = Masks.load(tmp_path / name / "masks.safetensors").digest()
    assert found["one"] == found["two"]
    assert printed == {"one": 1, "two": 1}  # the second process is silent
