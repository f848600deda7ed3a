"""The demo from end to end, on a network that takes no time."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from patternlite.demo import pipeline
from patternlite.runtimes import installed as runtimes

from .command_line import assert_one_line, run

for package in ("patternlite._native", "torch", "onnxruntime", "MNN", "matplotlib", "jinja2", "PIL"):
    pytest.importorskip(package)


def tiny_network():
    """Untrained, of CIFAR-10's size."""
    import torch
    from torch import nn

    def block(i: int, o: int) -> list[nn.Module]:
        return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]

    torch.manual_seed(0)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    return nn.Sequential(*block(3, 32), *block(32, 32), *block(32, 32), *head).eval()


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pipeline.load_images()
    few = dataclasses.replace(images, pixels=images.pixels[::50], labels=images.labels[::50])
    monkeypatch.setattr(pipeline, "load_images", lambda: few)
    monkeypatch.setattr(pipeline, "load_network", tiny_network)
    monkeypatch.setattr(pipeline, "RUNTIMES", (runtimes.runtime_named("mnn"),))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # So fast that what is pruned pays on any CPU, whatever times were measured on it.
    result = run("demo", "--output", tmp_path / "out", "--latency", "5", "--threads", "1", "--seconds", "1")
    assert result.exit_code == 0, result.output
    for stage in ("Pruning, no data", "Converting", "Checking on 20 images", "Timing"):
        assert stage in result.stderr
    for part in ("mnn, 1 thread, ms", "accuracy, 20 real test images", ".mnn file", "x faster"):
        assert part in result.stdout
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "dense.mnn",
        "pruned.mnn",
        "masks.safetensors",
        "report.html",
        "report.json",
        "latency.svg",
    } <= written
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["settings"] == {"latency": 5, "seed": 0}
    assert [layer["kernel"] != "stock" for layer in report["layers"]].count(True) >= 2


@pytest.fixture
def nothing_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    def prune(*_: object) -> None:
        raise AssertionError("pruned")

    monkeypatch.setattr(pipeline, "load_network", tiny_network)
    monkeypatch.setattr(pipeline, "_prune", prune)


@pytest.mark.usefixtures("nothing_pruned")
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that even root cannot write")
def test_a_folder_that_cannot_be_written_is_told_before_pruning() -> None:
    assert_one_line(run("demo", "--output", "/proc"), "nothing can be written to /proc (")


@pytest.mark.usefixtures("nothing_pruned")
def test_a_runtime_that_is_broken_is_told_before_pruning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = runtimes.Runtime("broken", "json", "rich", ".mnn")
    monkeypatch.setattr(pipeline, "RUNTIMES", (broken,))
    result = run("demo", "--output", tmp_path / "out")
    assert_one_line(result, "broken does not work", "unknown runtime", "run: pip install rich")
