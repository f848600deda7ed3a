"""The rows that reports are made of."""

from __future__ import annotations

from pathlib import Path

import mnn_runs
import pytest

import patternlite
from patternlite.errors import PatternliteError


def test_rows(models, process):
    rows = process.call(mnn_runs.inspect, models("residual").path)
    first = rows[0]
    assert first == {
        "name": first["name"],
        "kind": "conv3x3",
        "filters": 24,
        "channels": 20,
        "height": 17,
        "width": 19,
        "dense_macs": 24 * 20 * 17 * 19 * 9,
        "kept_macs": pytest.approx(first["kernels_kept"] * 24 * 20 * 17 * 19 * 4),
        "kernels_kept": pytest.approx(0.5, abs=0.1),
        "patterns": 4,
        "reason": "pattern",
        "kernel": first["kernel"],
        "weight_bytes": first["weight_bytes"],
    }
    # Each weight once, and what says where it goes.
    assert first["weight_bytes"] > 4 * first["kept_macs"] / (17 * 19)
    assert [row["kind"] for row in rows] == [
        *["conv3x3"] * 3,
        "conv3x3s2",
        "conv1x1",
        "conv3x3",
        "conv1x1",
    ]
    assert [row["reason"] for row in rows[3:]] == ["pattern", "sparse-1x1", "pattern", "dense:too-few-zeros"]
    assert len({row["name"] for row in rows}) == 7


def test_reasons_for_leaving_a_layer_to_mnn(models, process):
    rows = process.call(mnn_runs.inspect, models("declined").path, force=False)
    assert [row["reason"] for row in rows] == ["dense:too-few-zeros", "declined:non-finite-weights"]
    assert [row["kernel"] for row in rows] == ["stock"] * 2


def test_weights_of_another_kernel_are_left_to_mnn(models, process):
    model = models.edited("whole-blocks", "Convolution", kernelX=1)
    (row,) = process.call(mnn_runs.inspect, model.path)
    assert (row["reason"], row["kernel"]) == ("declined:weights-shape", "stock")


def test_declined_even_by_force(models, process):
    rows = process.call(mnn_runs.inspect, models("declined").path)
    assert [row["kernel"] == "stock" for row in rows] == [False, True]
    assert rows[1]["reason"] == "declined:non-finite-weights"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "does not exist"), (b"no model", "convert the model again")]
)
def test_no_model(content, words, tmp_path, process):
    path = tmp_path / "net.mnn"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PatternliteError, match=words):
        process.call(mnn_runs.inspect, str(path))


def test_unknown_isa(monkeypatch):
    probe = Path(patternlite.__file__).parent / "assets" / "probe.mnn"
    monkeypatch.setenv("PATTERNLITE_ISA", "mmx")
    with pytest.raises(
        ValueError, match=r"probe\.mnn cannot be loaded: PATTERNLITE_ISA names .* 'mmx'"
    ) as error:
        patternlite.inspect(probe)
    assert "\n" not in str(error.value)


def test_open_input_shape(models, process):
    with pytest.raises(PatternliteError, match="leaves input shapes open"):
        process.call(mnn_runs.inspect, models("open-shape").path)
