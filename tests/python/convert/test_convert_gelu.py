"""GELUs, which torch exports in pieces, are one operator in the files, and in the delegate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor, nn

from patternlite.pruning.convert import to_mnn, to_onnx, to_tflite
from patternlite.pruning.convert.verify import TOLERANCE


def halved_first(x: Tensor) -> Tensor:
    return 0.5 * x * (torch.erf(x * 0.5**0.5) + 1)


class Gelus(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.gelu(self.first(x))
        return halved_first(self.second(x)) + nn.functional.gelu(x[:, :, 1:-1, 1:-1])


class NoGelus(nn.Module):
    """Much like them: erf has another reader, or another number."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        y, erf = x + 1, torch.erf(x / 2**0.5)
        return x * (erf + 1) * 0.5 + erf + y * (torch.erf(y / 2**0.5) + 1) * 0.25 + torch.erf(x)


def operators(model: nn.Module, folder: Path) -> list[str]:
    """Of its file, which to_tflite() has compared."""
    torch.manual_seed(0)
    onnx = to_onnx(model, (1, 3, 12, 14), folder / "net.onnx")
    interpreter = Interpreter(str(to_tflite(onnx, folder / "net.tflite").path))
    return [row["op_name"] for row in interpreter._get_ops_details()]


def test_gelus_are_one_operator_each(tmp_path: Path) -> None:
    found = operators(Gelus(), tmp_path)
    assert found.count("GELU") == 3
    assert not {"ABS", "EXP", "MUL"} & set(found)


def test_other_erfs_are_made_of_what_there_is(tmp_path: Path) -> None:
    found = operators(NoGelus(), tmp_path)
    assert "GELU" not in found
    assert found.count("EXP") == 3


def test_a_gelu_keeps_its_name_as_an_output(tmp_path: Path) -> None:
    found = operators(nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU()), tmp_path)
    assert found.count("GELU") == 1
    x = np.zeros((1, 12, 14, 3), np.float32)
    interpreter = Interpreter(str(tmp_path / "net.tflite"))
    interpreter.get_signature_runner()(input=x)["output"]


def test_mnn_approximates_gelus(tmp_path: Path) -> None:
    torch.manual_seed(0)
    onnx = to_onnx(nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU()), (1, 3, 12, 14), tmp_path / "net.onnx")
    assert TOLERANCE < to_mnn(onnx, tmp_path / "net.mnn").max_relative_error < 10 * TOLERANCE
