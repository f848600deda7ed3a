"""What counts as tuned, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.latency.nets import conditions_for
from benchmarks.models.files import ModelFiles
from benchmarks.rivals import RIVALS, tuning
from benchmarks.rivals.tuning import Tuned, Tuning, tune_network
from benchmarks.rivals.tvm_search import Found, Kind
from benchmarks.timing.protocol import Contender, measure

MODEL = "net-dense-123.onnx"
KINDS = [Kind("fused_conv2d_relu", 2, 0.5, 0), Kind("max_pool2d", 1, 0.0, 0)]


class Process:
    """Stands in for the rivals' process: each candidate takes a second."""

    asked: list[tuple[str, int]]

    def __init__(self, python: Path) -> None:
        pass

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function: object, *args: object) -> object:
        if function is tuning.tvm_search.begin:
            records = {name for name, _ in self.asked}
            return [Kind(k.name, k.count, k.gflop, int(k.name in records)) for k in KINDS]
        if function is tuning.tvm_relax.keep_best:
            return None
        name, trials = args
        assert isinstance(name, str) and isinstance(trials, int)
        self.asked.append((name, trials))
        most = 3 if name == "max_pool2d" else trials
        return Found(most, 1, most < trials, float(most), 2.0)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tuning, "Isolated", Process)
    monkeypatch.setattr(tuning.environment, "version", lambda package: "1")
    monkeypatch.setattr(Process, "asked", [], raising=False)
    (tmp_path / "net.tvm").mkdir()
    return tmp_path / MODEL


def test_a_network_is_tuned_when_all_its_layers_are(model: Path) -> None:
    assert tuning.missing(model) == "not tuned; run: python -m benchmarks tune net"
    assert tuning.budget(model) == ""
    begun = tune_network(model, 16, seconds=-1)
    assert not Process.asked
    todo = "2 of 2 kinds of layers are not tuned; run: python -m benchmarks tune net --trials 16"
    assert begun.missing == tuning.missing(model) == todo
    done = tune_network(model, 16, seconds=60)
    assert Process.asked == [("fused_conv2d_relu", 16), ("max_pool2d", 8)]
    assert done == tuning.tuning_of(model) and tuning.missing(model) == ""
    assert done.layers[0] == Tuned("fused_conv2d_relu", 2, 16, 16, 1, 16.0, 2.0, 250.0)
    assert tuning.budget(model) == (
        "MetaSchedule tried 19 candidates for 2 kinds of layers, 16 for each that multiplies, in 0.3 minutes"
    )


def test_tuning_goes_on(model: Path) -> None:
    tune_network(model, 16, seconds=60)
    tune_network(model, 40, seconds=60)
    assert Process.asked[2:] == [("fused_conv2d_relu", 24), ("max_pool2d", 5)]
    again = tune_network(model, 8, seconds=60)  # a smaller budget does not undo a larger one
    assert again.trials == 40 and again.layers[0].tried == 40


def test_another_file_is_not_tuned_yet(model: Path) -> None:
    tune_network(model, 16, seconds=60)
    assert "not tuned" in tuning.missing(model.with_name("net-dense-456.onnx"))


def test_a_layer_without_a_schedule_is_not_tuned() -> None:
    layer = Tuned("fused_conv2d_relu", 1, wanted=4, tried=4, failed=4)
    assert Tuning("net", MODEL, 4, (layer,)).missing.startswith("1 of 1 kinds")


def test_a_tuned_network_answers_as_before(tmp_path: Path) -> None:
    rival = RIVALS["tvm, tuned"]
    if rival.version() is None:
        pytest.skip("no rivals: python -m benchmarks rivals --install")
    with ModelFiles(tmp_path) as files:
        path = files.as_format(files.dense("tiny"), rival.suffix)
    assert rival.missing(path)
    tune_network(path, 2, seconds=600)
    assert not rival.missing(path)
    contenders = [Contender(name, name, path, "dense") for name in ("onnxruntime", "tvm, tuned")]
    measured, _ = measure(contenders, conditions_for([1], 0.1, "wall")[0])
    assert measured["tvm, tuned"].difference < 1e-5
