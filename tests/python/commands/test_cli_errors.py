"""Every way to use the command line wrongly ends in one line that names the fix, and no traceback."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from patternlite.errors import PatternliteError
from patternlite.runtimes import installed as runtimes
from patternlite.runtimes.check import PROBES
from patternlite.support.isolated import ProcessDiedError

from .command_line import NETWORK, PRUNE, assert_one_line, assert_usage, run


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """Makes modules appear not installed."""
    real = importlib.util.find_spec

    def hide(*names: str) -> None:
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *a: None if name in names else real(name, *a)
        )

    return hide


def test_version_is_shown() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.startswith("patternlite ")


def test_unknown_command() -> None:
    assert_usage(run("prun"), "prun")


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--fast"),
        ("demo", "--seconds", "nan"),
        ("bench", "a.tflite", "--seconds", "inf"),
        ("bench", "a.tflite", "--seconds", "nan"),
    ],
)
def test_unknown_or_wrong_option(arguments: tuple[str, ...]) -> None:
    assert_usage(run(*arguments), next(word for word in arguments if word.startswith("--")))


@pytest.mark.parametrize("command", ["inspect", "bench"])
@pytest.mark.parametrize("suffix", [".tflite", ".mnn"])
def test_missing_file(command: str, suffix: str, tmp_path: Path) -> None:
    assert_one_line(run(command, tmp_path / f"none{suffix}"), "does not exist")


def test_bench_of_a_folder(tmp_path: Path) -> None:
    assert_one_line(run("bench", tmp_path), "is a folder; give a file")


def test_bench_of_another_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"x")
    assert_one_line(run("bench", path), ".h5", ".tflite or .mnn")


def test_bench_of_two_kinds_of_files(tmp_path: Path) -> None:
    one, other = tmp_path / "a.tflite", tmp_path / "b.mnn"
    for path in (one, other):
        path.write_bytes(b"x")
    assert_one_line(run("bench", one, "--dense", other), f"{other} and {one} run in different", "of one kind")


def test_bench_of_a_file_that_ends_the_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("MNN")

    def die(*_: object, **__: object) -> None:
        raise ProcessDiedError("the process died without a word")

    monkeypatch.setattr("patternlite.commands.bench.Isolated.call", die)
    path = shutil.copy(PROBES / "probe.mnn", tmp_path / "cut.mnn")
    assert_one_line(run("bench", path), f"{path} is damaged, maybe cut short: mnn crashed on it", "again")


def test_bench_of_two_shapes(tmp_path: Path) -> None:
    pytest.importorskip("MNN")
    import torch

    from patternlite.pruning.convert import to_mnn, to_onnx

    paths = [tmp_path / name / "net.mnn" for name in ("one", "other")]
    for path, size in zip(paths, (8, 12), strict=True):
        path.parent.mkdir()
        onnx = to_onnx(torch.nn.Conv2d(3, 4, 3), (1, 3, size, size), path.with_suffix(".onnx")).path
        to_mnn(onnx, path)
    result = run("bench", paths[0], "--dense", paths[1])
    assert_one_line(result, f"{paths[1]} reads images of (1, 3, 12, 12), {paths[0]} of (1, 3, 8, 8)")


def test_bench_with_unknown_runtime(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"x")
    assert_one_line(run("bench", tmp_path / "a.tflite", "--runtime", "onnx"), "unknown runtime 'onnx'", "mnn")


def test_bench_with_a_runtime_for_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"x")
    assert_one_line(run("bench", tmp_path / "a.tflite", "--runtime", "mnn"), "mnn runs .mnn files")


def test_bench_with_missing_runtime(tmp_path: Path, without) -> None:
    without("tflite_runtime.interpreter")
    (tmp_path / "a.tflite").write_bytes(b"x")
    result = run("bench", tmp_path / "a.tflite", "--runtime", "tflite-runtime")
    assert_one_line(result, "tflite-runtime is not installed", "pip install tflite-runtime")


def test_bench_without_any_runtime(tmp_path: Path, without) -> None:
    without(*(r.module for r in runtimes.RUNTIMES))
    (tmp_path / "a.mnn").write_bytes(b"x")
    assert_one_line(run("bench", tmp_path / "a.mnn"), "pip install MNN")


@pytest.mark.parametrize("threads", ["0", "a", "1,,2", "1,-2", "1,257"])
def test_bad_threads(threads: str) -> None:
    assert_usage(run("bench", "a.tflite", "--threads", threads), "integers of 1 to 256")


def test_corrupt_tflite(tmp_path: Path) -> None:
    pytest.importorskip("tflite_runtime")
    path = tmp_path / "a.tflite"
    path.write_bytes(b"\x00\x01\xe9 no model" * 20)
    result = run("bench", path, "--runtime", "tflite-runtime")
    assert_one_line(result, "a.tflite is not a TFLite file", "convert the model again")


def test_truncated_tflite(tmp_path: Path) -> None:
    pytest.importorskip("tflite_runtime")
    whole = (PROBES / "probe.tflite").read_bytes()
    path = tmp_path / "a.tflite"
    path.write_bytes(whole[: len(whole) // 2])
    assert_one_line(run("bench", path, "--runtime", "tflite-runtime"))


def test_corrupt_mnn(tmp_path: Path) -> None:
    pytest.importorskip("MNN")
    path = tmp_path / "a.mnn"
    path.write_bytes(b"no model" * 20)
    assert_one_line(run("bench", path), "a.mnn is not an MNN file", "convert the model again")


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("resnet18", ("module:callable", "timm:NAME")),
        ("no_such_module_here:net", ("no_such_module_here", "not found")),
        ("json:loadz", ("json has no callable loadz",)),
        ("json:dumps", ("json:dumps cannot be made",)),
        ("builtins:dict", ("returned a dict", "torch.nn.Module")),
    ],
)
def test_unknown_model(spec: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert_one_line(run("prune", spec, *PRUNE, "--output", tmp_path), *parts)


def test_model_package_not_installed(tmp_path: Path, without) -> None:
    pytest.importorskip("torch")
    without("timm")
    assert_one_line(run("prune", "timm:resnet18", *PRUNE, "--output", tmp_path), "pip install timm")


def test_prune_without_torch(tmp_path: Path, without) -> None:
    without("torch")
    assert_one_line(run("prune", "a:b", *PRUNE, "--output", tmp_path), "pip install 'patternlite[convert]'")


@pytest.mark.parametrize(
    ("options", "packages", "told"),
    [
        (["--tflite"], ["onnx2tf"], "onnx2tf is"),
        (["--mnn"], ["MNN"], "MNN is"),
        (["--tflite", "--mnn"], ["MNN", "onnx", "onnxsim"], "onnx, onnxsim, MNN are"),
    ],
)
def test_missing_converters_are_told_before_pruning(
    options: list[str],
    packages: list[str],
    told: str,
    tmp_path: Path,
    without,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "net_of_converters.py").write_text("from torch import nn\n\nnet = nn.Identity\n")
    without(*packages)
    result = run(
        "prune", "net_of_converters:net", *PRUNE, "--rate", "4", *options, "--output", tmp_path / "out"
    )
    assert_one_line(result, f"error: {told} not installed", "pip install 'patternlite[convert]'")
    assert not (tmp_path / "out").exists()


def test_a_model_that_cannot_be_converted_is_told_before_pruning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "net_of_two.py").write_text(
        "from torch import nn\n\nclass net(nn.Identity):\n    def forward(self, x):\n        return x, x\n"
    )
    result = run("prune", "net_of_two:net", *PRUNE, "--rate", "4", "--mnn", "--output", tmp_path / "out")
    assert_one_line(result, "the model must return one tensor, not tuple")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--input-shape", "3,32", "3 integers of at least 1"),
        ("--input-shape", "3,32,x", "3 integers of at least 1"),
        ("--mean", "a;b;c", "'a;b;c' is not some numbers with commas between"),
        ("--mean", "nan,0,0", "numbers"),
        ("--std", "-1,1,1", "numbers of at least 0"),
        ("--rate", "four", "number"),
    ],
)
def test_bad_prune_options(option: str, value: str, part: str, tmp_path: Path) -> None:
    assert_usage(run("prune", "a:b", *PRUNE, "--output", tmp_path, option, value), part)


def test_prune_with_nothing_asked(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = run("prune", NETWORK, *PRUNE, "--output", tmp_path)
    assert_one_line(result, "set rate, macs or latency", "for example --rate 4.0")


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a folder that takes no files")
    result = run("prune", NETWORK, *PRUNE, "--output", "/proc/out/net", "--rate", "4")
    assert_one_line(result, "nothing can be written to /proc/out/net (No such file", "give another folder")


def test_prune_with_impossible_rate(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert_one_line(run("prune", NETWORK, *PRUNE, "--output", tmp_path, "--rate", "0.5"), "rate is 0.5")


def test_convert_to_another_kind(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert_one_line(run("convert", "a.onnx", tmp_path / "a.xml"), "a.xml", ".tflite or .mnn")


def test_convert_tries_its_outputs_before_it_makes_the_model(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    shape = ("--input-shape", "3,8,8")
    assert_one_line(run("convert", "none:net", tmp_path / "no/a.mnn", *shape), "does not exist: create it")
    assert_one_line(run("convert", "none:net", "/proc/a.mnn", *shape), "nothing can be written to /proc")


def test_convert_missing_file(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert_one_line(run("convert", tmp_path / "none.onnx", tmp_path / "a.mnn"), "none.onnx")


def test_convert_tells_files_from_models(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    target = tmp_path / "a.mnn"
    assert_one_line(run("convert", NETWORK, target), "is a PyTorch model: give its --input-shape")
    for more in (("--input-shape", "3,32,32"), ("--weights", "w.pt")):
        assert_one_line(
            run("convert", "a.onnx", target, *more), "a.onnx is a file: --weights and --input-shape"
        )


def test_demo_with_a_latency_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnx", "MNN", "matplotlib"):
        pytest.importorskip(package)
    monkeypatch.setattr("patternlite.demo.pipeline._require_working", lambda *_: pytest.fail("tried"))
    result = run("demo", "--output", tmp_path / "out", "--latency", "0.5")
    assert_one_line(result, "latency is 0.5: it must be in 1.0..")
    assert not (tmp_path / "out").exists()


def test_demo_without_any_runtime(tmp_path: Path, without) -> None:
    without(*(r.module for r in runtimes.RUNTIMES))
    assert_one_line(run("demo", "--output", tmp_path), "pip install 'patternlite[convert,tflite,mnn]'")


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTERNLITE_DEBUG", "1")
    result = run("bench", tmp_path / "none.tflite")
    assert isinstance(result.exception, PatternliteError)
