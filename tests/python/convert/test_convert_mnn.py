"""MNN's converter, entered in process: it neither installs packages nor reports its use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

import patternlite.pruning.convert as convert
from patternlite.pruning.convert import to_mnn, to_onnx

WORKERS = Path(convert.__file__).parent / "workers"

WATCHED = """
import sys
def forbid(event, arguments):
    if event in ("os.system", "os.posix_spawn", "os.fork", "os.exec", "subprocess.Popen", "socket.connect",
                 "socket.getaddrinfo", "urllib.Request"):
        raise RuntimeError(f"{event} {arguments}")
sys.addaudithook(forbid)
sys.path.insert(0, sys.argv[1])
import to_mnn
to_mnn.main(*sys.argv[2:])
assert not [name for name in sys.modules if name.startswith(("MNN.tools", "aliyun"))]
"""


def test_nothing_leaves_the_process(converted: Any, tmp_path: Path) -> None:
    for source in (converted.onnx, converted.tflite):
        target = tmp_path / f"{Path(source.path).suffix[1:]}.mnn"
        arguments = [sys.executable, "-c", WATCHED, str(WORKERS), str(source.path), str(target)]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert target.stat().st_size > 0


def test_the_watch_sees() -> None:
    """Or the test above would show nothing."""
    code = WATCHED.split("sys.path")[0] + "import os; os.system('true')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RuntimeError: os.system" in done.stderr


def test_slopes_of_channels_stay_one_operator(tmp_path: Path) -> None:
    """Those of a map, be they stored once for two; not those of vectors, which have no channels."""
    alike, other = nn.PReLU(8), nn.PReLU(8)
    other.weight.data = torch.linspace(-0.5, 0.5, 8)
    layers = [nn.Conv2d(3, 8, 3), alike, nn.Conv2d(8, 8, 3), nn.PReLU(8), nn.Conv2d(8, 8, 3), other]
    net = nn.Sequential(*layers, nn.Flatten(), nn.PReLU(72))
    to_onnx(net, (1, 3, 9, 9), tmp_path / "slopes.onnx")
    content = to_mnn(tmp_path / "slopes.onnx", tmp_path / "slopes.mnn").path.read_bytes()
    assert b"Select" not in content
