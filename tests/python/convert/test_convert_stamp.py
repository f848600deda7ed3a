"""The digest of the masks goes along into every file, and tells whether the zeros are still there."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

import patternlite
from patternlite.pruning import Masks, PruneConfig, prune
from patternlite.pruning.convert import Conversion, to_mnn, to_onnx
from patternlite.runtimes.check import PROBES
from patternlite.stored import stamp
from patternlite.stored.stamp import KEY, MaskCheck, Stamp, check_masks, read_stamp
from patternlite.stored.weights import conv_weights

SUFFIXES = ("tflite", "mnn")


def changed(converted: Any, suffix: str, folder: Path, change) -> MaskCheck:
    """The check of a copy in which `change` was called with each 3x3 convolution's weights (O, I, 3, 3)."""
    content = bytearray(getattr(converted, suffix).path.read_bytes())
    for weight in conv_weights(content, f".{suffix}"):
        if weight.shape[2:] == (3, 3):
            change(weight)
    path = folder / f"changed.{suffix}"
    path.write_bytes(content)
    return check_masks(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_match_the_masks(converted: Any, suffix: str) -> None:
    check = check_masks(getattr(converted, suffix).path)
    assert check == MaskCheck("matches", converted.masks.digest(), layers=4)
    assert converted.masks.digest() in str(check)


def test_files_match_where_filters_are_dead(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16)]
    model = nn.Sequential(*layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with torch.no_grad():
        model[4].weight[3] = 0  # folded into the convolution, it empties the filter
        model[3].weight[5] = 0
    config = PruneConfig(rate=2.25, images=32, distill_steps=0, mean=(0.5,) * 3, std=(0.25,) * 3)
    result = prune(model, (3, 12, 12), config)
    onnx = to_onnx(result.model, (1, 3, 12, 12), tmp_path / "dead.onnx", result.masks)
    assert check_masks(to_mnn(onnx, tmp_path / "dead.mnn").path).state == "matches"


def test_the_onnx_file_carries_it_too(converted: Any) -> None:
    (entry,) = onnx.load(converted.onnx.path).metadata_props
    assert entry.key == KEY
    assert Stamp.from_json(entry.value) == converted.masks.stamp()


def test_it_goes_from_tflite_to_mnn(converted: Any, mnn_from_tflite: Conversion) -> None:
    assert check_masks(mnn_from_tflite.path) == MaskCheck("matches", converted.masks.digest(), layers=4)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_lost_zeros_are_noticed(converted: Any, suffix: str, tmp_path: Path) -> None:
    def fill_one(weight: np.ndarray) -> None:
        if len(weight) == 8 and weight.shape[1] == 8:
            weight[tuple(np.argwhere(weight == 0)[-1])] = 1e-30

    check = changed(converted, suffix, tmp_path, fill_one)
    assert (check.state, check.lost, check.extra) == ("differs", 1, 0)
    assert "does not match: of 4 pruned layers 1 have lost zeros" in str(check)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_more_zeros_are_told_apart(converted: Any, suffix: str, tmp_path: Path) -> None:
    def clear_one(weight: np.ndarray) -> None:
        if len(weight) == 8 and weight.shape[1] == 8:
            weight[tuple(np.argwhere(weight != 0)[-1])] = 0

    check = changed(converted, suffix, tmp_path, clear_one)
    assert (check.state, check.lost, check.extra) == ("differs", 0, 1)
    assert "1 have more zeros than their mask" in str(check)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_moved_zeros_are_noticed(converted: Any, suffix: str, tmp_path: Path) -> None:
    def mirror(weight: np.ndarray) -> None:
        weight[:] = weight[..., ::-1].copy()

    assert changed(converted, suffix, tmp_path, mirror).lost == 4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_values_of_the_kept_weights_match(converted: Any, suffix: str, tmp_path: Path) -> None:
    def halve(weight: np.ndarray) -> None:
        weight *= 0.5

    assert changed(converted, suffix, tmp_path, halve).state == "matches"


def test_a_retrained_model_matches(converted: Any, tmp_path: Path) -> None:
    model = copy.deepcopy(converted.model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    with converted.masks.enforced(model):
        for _ in range(3):
            model(torch.randn(4, *converted.input_shape[1:])).square().mean().backward()
            optimizer.step()
    path = to_onnx(model, converted.input_shape, tmp_path / "again.onnx", converted.masks)
    check = check_masks(to_mnn(path, tmp_path / "again.mnn").path)
    assert (check.state, check.digest) == ("matches", converted.masks.digest())


def test_depthwise_multipliers_match(tmp_path: Path) -> None:
    """MNN has one convolution for every eighth filter."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3, groups=8))
    masks = Masks({"2": torch.rand(16, 1, 3, 3) < 0.5})
    masks.apply(model)
    path = to_onnx(model, (1, 3, 9, 9), tmp_path / "depthwise.onnx", masks)
    mnn = to_mnn(path, tmp_path / "depthwise.mnn").path
    assert [len(weight) for weight in conv_weights(mnn.read_bytes(), ".mnn")] == [8, 8, 8]
    assert check_masks(mnn).state == "matches"


def test_more_layers_are_missing_than_were_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = [np.random.default_rng(seed).random((4, 2, 3, 3)) < 0.5 for seed in range(2)]
    path = tmp_path / "net.mnn"
    path.touch()
    monkeypatch.setattr(stamp, "read_stamp", lambda *_: Stamp.of(masks))
    for stored, state in (
        ([None, masks[0]], "unread"),
        ([None, None], "unread"),
        ([None, ~masks[0]], "differs"),
    ):
        monkeypatch.setattr(stamp, "stored_weights", lambda *_, stored=stored: stored)
        assert check_masks(path).state == state


def test_a_model_that_breaks_its_masks_is_not_stamped(converted: Any, tmp_path: Path) -> None:
    model = copy.deepcopy(converted.model)
    with torch.no_grad():
        model.inner[0].weight.fill_(1.0)
    with pytest.raises(ValueError, match=r"not zero under the mask: inner\.0"):
        to_onnx(model, converted.input_shape, tmp_path / "broken.onnx", converted.masks)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_stamp_that_was_changed_is_not_taken_for_none(converted: Any, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"changed.{suffix}"
    data = getattr(converted, suffix).path.read_bytes()
    digest = converted.masks.digest().encode()
    assert digest in data
    path.write_bytes(data.replace(digest, digest[::-1]))
    assert str(check_masks(path)).startswith("mask hash: damaged")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_others_carry_none(suffix: str, tmp_path: Path) -> None:
    check = check_masks(PROBES / f"probe.{suffix}")
    assert str(check) == "mask hash: none carried"
    for content in (b"", b"\0" * 64, b"TFL3" * 20, bytes(range(256))):
        path = tmp_path / f"strange.{suffix}"
        path.write_bytes(content)
        assert check_masks(path) == MaskCheck("none")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_stamp_is_none(converted: Any, suffix: str) -> None:
    content = getattr(converted, suffix).path.read_bytes()
    stamp = converted.masks.stamp()
    assert stamp.digest.encode() in content
    assert read_stamp(content.replace(stamp.digest.encode(), b"0" * 64), f".{suffix}") is None
    text = stamp.to_json()
    assert read_stamp(content.replace(text.encode(), text.encode().upper()), f".{suffix}") is None


def test_the_runtime_finds_its_buffers_aligned(converted: Any) -> None:
    """TFLite reads weights where they lie; the metadata must not have moved them to odd addresses."""
    content = converted.tflite.path.read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    start = np.frombuffer(content, np.uint8).ctypes.data
    for i in range(model.BuffersLength()):
        data = model.Buffers(i).DataAsNumpy()
        assert isinstance(data, int) or (data.ctypes.data - start) % 4 == 0


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_inspect_tells(converted: Any, suffix: str) -> None:
    pytest.importorskip("patternlite._native")
    inspection = patternlite.inspect(getattr(converted, suffix).path)
    assert inspection.masks.state == "matches"
    assert f"mask hash matches: {converted.masks.digest()}" in str(inspection)
