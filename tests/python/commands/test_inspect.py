"""`patternlite inspect`: what it shows, and what its exit code says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import pytest

from patternlite.inspection import Inspection
from patternlite.layers import Layer
from patternlite.runtimes.check import PROBES
from patternlite.stored.stamp import MaskCheck

from .command_line import run

PROBE = PROBES / "probe.mnn"


def test_table_and_json() -> None:
    pytest.importorskip("patternlite._native")
    pytest.importorskip("MNN")
    answer = json.loads(run("inspect", PROBE, "--json").stdout)
    (row,) = answer["layers"]
    assert (row["filters"], row["channels"], row["patterns"], row["reason"]) == (32, 32, 4, "pattern")
    assert row["kept_macs"] == pytest.approx(row["dense_macs"] / 18)
    text = run("inspect", PROBE).stdout
    for part in ("conv3x3", "32x16x16", "5.6%", "12.5%", "pattern"):
        assert part in text


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(
    ("state", "code"), [("matches", 0), ("none", 0), ("unread", 0), ("differs", 1), ("damaged", 1)]
)
def test_zeros_that_are_not_those_of_the_masks_are_an_error(
    state: Any, code: int, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Layer("net", "conv3x3", 1, 1, 1, 1, 9, 9, 1.0, 1, "dense:too-few-zeros", "stock", 0)
    inspection = Inspection("net.mnn", [asdict(layer)], 0, MaskCheck(state, "abc", 1, 1))
    monkeypatch.setattr("patternlite.inspection.inspect", lambda _: inspection)
    result = run("inspect", "net.mnn", *options)
    assert (result.exit_code, result.stderr) == (code, "")
    assert (f'"state": "{state}"' if options else str(inspection.masks)) in result.stdout


def test_whoever_reads_the_first_line_alone_is_told_no_error() -> None:
    pytest.importorskip("patternlite._native")
    pytest.importorskip("MNN")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "patternlite", "inspect", PROBE, "--json"]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, b"")


def test_a_layer_whose_weights_are_not_known_counts_as_dense() -> None:
    layer = Layer("net", "conv", 1, 1, 1, 1, 0, 0, 1.0, 0, "declined:rank", "stock", 0)
    assert layer.density == 1.0
    assert layer.cells()["weights"] == ""
