"""Bad input and failing converters: a clear error, nothing left behind, nothing overwritten."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from patternlite.pruning.convert import ConversionError, process, staging, tflite, to_mnn, to_onnx, to_tflite
from patternlite.pruning.convert.staging import staged


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder with one file in it, which must survive every failure."""
    folder = tmp_path / "target"
    folder.mkdir()
    for suffix in ("onnx", "tflite", "mnn"):
        (folder / f"net.{suffix}").write_text("precious")
    return folder


def assert_untouched(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["net.mnn", "net.onnx", "net.tflite"]
    assert all(path.read_text() == "precious" for path in folder.iterdir())


def test_paths_are_checked_first(target: Path, tmp_path: Path) -> None:
    model = nn.Conv2d(3, 4, 1)
    with pytest.raises(ConversionError, match=r"net\.tflite must end in \.onnx"):
        to_onnx(model, (1, 3, 8, 8), target / "net.tflite")
    with pytest.raises(ConversionError, match="does not exist: create it first"):
        to_onnx(model, (1, 3, 8, 8), tmp_path / "no" / "net.onnx")
    with pytest.raises(ConversionError, match=r"nothing\.onnx does not exist"):
        to_tflite(tmp_path / "nothing.onnx", target / "net.tflite")
    with pytest.raises(ConversionError, match=r"is not a \.onnx file"):
        to_tflite(target / "net.mnn", target / "net.tflite")
    with pytest.raises(ConversionError, match=r"is not a \.onnx or \.tflite file"):
        to_mnn(target / "net.mnn", target / "net.mnn")
    (tmp_path / "folder.mnn").mkdir()
    with pytest.raises(ConversionError, match="is a folder"):
        to_mnn(target / "net.onnx", tmp_path / "folder.mnn")
    assert_untouched(target)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 3, 8), (1, 3, 0, 8), (1, 3, 8, -1), (1, 3, 8.0, 8)])
def test_input_shapes_are_checked(target: Path, shape: tuple[Any, ...]) -> None:
    with pytest.raises(ConversionError, match="must be \\(N, C, H, W\\)"):
        to_onnx(nn.Conv2d(3, 4, 1), shape, target / "net.onnx")
    assert_untouched(target)


def test_input_shapes_may_be_numpys(tmp_path: Path) -> None:
    shape = tuple(np.array([1, 3, 8, 8]))
    assert to_onnx(nn.Conv2d(3, 4, 1), shape, tmp_path / "net.onnx").path.exists()


class Fails(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return [x, x]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (nn.Conv2d(4, 4, 1), "does not run on a float32 input"),
        (nn.Conv2d(3, 4, 1).half(), r"weight is torch.float16: call model.float\(\) first"),
        (Fails(), "must return one tensor, not list"),
    ],
)
def test_unsuitable_models_are_named(target: Path, model: nn.Module, text: str) -> None:
    with pytest.raises(ConversionError, match=text):
        to_onnx(model.train(), (1, 3, 8, 8), target / "net.onnx")
    assert model.training
    assert_untouched(target)


class Counting(nn.Module):
    """Not all of its parameters are fractions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.counts = nn.Parameter(torch.tensor([1, 2, 3, 4]), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) * self.counts[:, None, None]


def test_parameters_may_be_whole_numbers(tmp_path: Path) -> None:
    assert to_onnx(Counting(), (1, 3, 8, 8), tmp_path / "net.onnx").path.exists()


class Unexportable(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.qr(x)[0]


def test_export_failures_are_reported(target: Path) -> None:
    with pytest.raises(ConversionError, match=r"torch\.onnx\.export failed: .*qr"):
        to_onnx(Unexportable(), (1, 3, 8, 8), target / "net.onnx")
    assert_untouched(target)


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(range(256)) * 40])
def test_corrupt_files_are_reported(target: Path, tmp_path: Path, content: bytes) -> None:
    onnx, lite = tmp_path / "bad.onnx", tmp_path / "bad.tflite"
    onnx.write_bytes(content)
    lite.write_bytes(content)
    with pytest.raises(ConversionError, match=r"bad\.onnx does not run in its stock runtime"):
        to_tflite(onnx, target / "net.tflite")
    with pytest.raises(ConversionError, match=r"bad\.tflite does not run in its stock runtime"):
        to_mnn(lite, target / "net.mnn")
    assert_untouched(target)


def test_truncated_files_are_reported(target: Path, tmp_path: Path, converted: Any) -> None:
    onnx = tmp_path / "cut.onnx"
    onnx.write_bytes(converted.onnx.path.read_bytes()[:-2000])
    with pytest.raises(ConversionError):
        to_mnn(onnx, target / "net.mnn")
    assert_untouched(target)


def save_sum(path: Path, *types: int) -> None:
    """A model that adds up its inputs, of these types."""
    maps = [(f"x{i}", f"float{i}", kind) for i, kind in enumerate(types)]
    nodes = [helper.make_node("Cast", [x], [y], to=TensorProto.FLOAT) for x, y, _ in maps]
    nodes.append(helper.make_node("Sum", [y for _, y, _ in maps], ["sum"]))
    inputs = [helper.make_tensor_value_info(x, kind, (1, 3, 8, 8)) for x, _, kind in maps]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, (1, 3, 8, 8))]
    graph = helper.make_graph(nodes, "sum", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


@pytest.mark.parametrize(
    ("types", "text"),
    [
        ((TensorProto.FLOAT,) * 2, "the model must have one input; it has 2"),
        ((TensorProto.INT64,), r"the input has shape \[1, 3, 8, 8\] and is not float32: export"),
    ],
)
def test_what_is_not_taken_is_said_as_it_is(
    target: Path, tmp_path: Path, types: tuple[int, ...], text: str
) -> None:
    """The file runs well in its stock runtime."""
    save_sum(tmp_path / "sum.onnx", *types)
    for convert in (to_tflite, to_mnn):
        with pytest.raises(ConversionError, match=rf"^sum\.onnx: {text}"):
            convert(tmp_path / "sum.onnx", target / f"net.{convert.__name__[3:]}")
    assert_untouched(target)


def test_a_crash_of_the_converter_is_reported(tmp_path: Path) -> None:
    """MNN's converter ends with a segmentation fault on a broken .tflite."""
    (tmp_path / "bad.tflite").write_text("not a model")
    with pytest.raises(ConversionError, match=r"to_mnn crashed \(exit code -11\): .*version ERROR"):
        process.run_worker("to_mnn", tmp_path / "bad.tflite", tmp_path / "bad.mnn", folder=tmp_path)


def test_a_wrong_file_is_refused(
    converted: Any, other_onnx: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The converter makes a file of another model's weights."""

    def wrong(name: str, source: Path, work: Path, stamp: str, folder: Path) -> None:
        process.run_worker(name, other_onnx, work, folder=folder)

    monkeypatch.setattr("patternlite.pruning.convert.mnn.run_worker", wrong)
    with pytest.raises(ConversionError, match="computes something else: largest error"):
        to_mnn(converted.onnx, target / "net.mnn")
    assert_untouched(target)


def test_strict_mode_is_the_second_try(
    converted: Any, other_onnx: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []

    def convert(name: str, source: Path, work: Path, mode: str, stamp: str, folder: Path) -> None:
        modes.append(mode)
        if mode == "strict":
            shutil.copy(converted.tflite.path, work)
        else:
            work.write_text("wrong")

    monkeypatch.setattr(tflite, "run_worker", convert)
    to_tflite(converted.onnx, target / "net.tflite")
    assert modes == ["fast", "strict"]
    assert (target / "net.tflite").read_bytes() == converted.tflite.path.read_bytes()
    with pytest.raises(ConversionError):
        to_tflite(other_onnx, target / "net.tflite")
    assert (target / "net.tflite").read_bytes() == converted.tflite.path.read_bytes()


def test_missing_packages_name_the_fix() -> None:
    with pytest.raises(ConversionError, match=r"missing no_such_a: pip install 'patternlite\[convert\]'"):
        process.require("json", "no_such_a")


_LITE = ("ai_edge_litert", "tflite_runtime", "tensorflow")


@pytest.mark.parametrize(
    ("convert", "source", "absent", "named"),
    [
        (to_mnn, "net.onnx", ("MNN", "onnx"), "missing onnx, MNN:"),
        (to_mnn, "net.tflite", ("MNN", *_LITE), "missing tensorflow, MNN:"),
        (to_mnn, "net.tflite", ("MNN", *_LITE[1:]), "missing MNN:"),
        (to_tflite, "net.onnx", ("onnxruntime", "onnx2tf"), "missing onnxruntime, onnx2tf:"),
    ],
)
def test_all_that_is_missing_is_named_at_once(
    convert: Callable[[Path, Path], object],
    source: str,
    absent: tuple[str, ...],
    named: str,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for package in absent:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConversionError, match=named):
        convert(target / source, target / f"net.{convert.__name__[3:]}")
    assert_untouched(target)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named(target: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(staging.os, "replace", full)
    with (
        pytest.raises(ConversionError, match=r"cannot write .*net\.mnn: the disk is full"),
        staged(target / "net.mnn") as work,
    ):
        work.write_text("new")
    assert_untouched(target)


def test_a_folder_that_cannot_be_written_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target / ".net-x1y2"))

    monkeypatch.setattr(staging.tempfile, "TemporaryDirectory", read_only)
    told = rf"^cannot write {target}/net\.mnn: Read-only file system; give another folder$"
    with pytest.raises(ConversionError, match=told), staged(target / "net.mnn"):
        pass


def test_a_converter_failing_on_a_full_disk_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(target)._replace(free=1000)
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ConversionError, match="the disk is full"), staged(target / "net.mnn") as work:
        work.write_text("half a fi")
        raise ConversionError("the converter failed")
    assert_untouched(target)


def test_interrupts_leave_nothing(target: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staged(target / "net.mnn") as work:
        work.write_text("half a fi")
        raise KeyboardInterrupt
    assert_untouched(target)
