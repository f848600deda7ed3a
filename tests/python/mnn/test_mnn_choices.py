"""Which layers the backend takes unasked: those that it is expected to run faster than MNN does."""

from __future__ import annotations

import mnn_report_runs
import mnn_runs
import numpy as np
import pytest

native = pytest.importorskip("patternlite._native")


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("sparse-3x3", False),
        ("sparse-5x5", False),
        ("sparse-7x7", False),
        ("sparse-3x3-of-8", False),
        ("sparser-5x5", True),
        ("sparse-5x5-stride-2", True),
    ],
)
def test_what_mnn_runs_by_winograd(name, taken, models, process):
    """Square kernels of any side, at stride 1: there it takes more zeros to be faster."""
    rows = process.call(mnn_runs.inspect, models(name).path, force=False)
    assert [row["kernel"] != "stock" for row in rows] == [taken] * 2


@pytest.mark.parametrize(("name", "taken"), [("sparse-fc-of-256", False), ("sparse-fc-of-1024", True)])
def test_fully_connected_layers(name, taken, models, process):
    """MNN reads dense weights fast that stay in the cache."""
    rows = process.call(mnn_runs.inspect, models(name).path, force=False)
    assert [row["reason"] for row in rows] == ["sparse-fc"] * 2
    assert [row["kernel"] != "stock" for row in rows] == [taken] * 2


def test_layers_that_pay_only_together(models, process):
    """Though none of the network's pays by itself."""
    rows = process.call(mnn_runs.inspect, models("run-that-pays").path, force=False)
    assert [row["kernel"] != "stock" for row in rows] == [True] * 8


@pytest.mark.parametrize("name", ["no-run", "run-that-pays", "dense-3x3-stride-2"])
def test_clones_choose_as_their_originals(name, models, process):
    """Also layers that pay only in a run, or only beside others."""
    model = models(name)
    alone, both = process.call(mnn_report_runs.of_module_and_clones, model.path, model.x, 1, force=False)
    assert [layer["kernel"] == "stock" for layer in both.layers] == 2 * [
        layer["kernel"] == "stock" for layer in alone.layers
    ]


def resized(process, path, *sizes):
    inputs = [np.zeros((1, 16, size, size), np.float32) for size in sizes]
    return process.call(mnn_runs.ours, path, 1, *inputs, force=False)[1]


def test_layers_left_to_mnn_are_told_at_the_present_size(models, process):
    rows = resized(process, models("one-that-pays").path, 14, 100)
    assert [(row["height"], row["width"]) for row in rows[:2]] == [(100, 100)] * 2
    assert rows[1]["dense_macs"] == pytest.approx(32 * 48 * 100 * 100)
    assert (rows[1]["kernel"], rows[1]["weight_bytes"]) == ("stock", 0)


@pytest.mark.skipif(native.current_isa() != "avx512", reason="ours are no faster alone")
def test_so_are_dense_layers_that_would_pay_beside_others(models, process):
    rows = resized(process, models("one-that-pays").path, 14, 100)
    assert [(row["height"], row["width"]) for row in rows] == [(100, 100)] * 3
    assert rows[2]["dense_macs"] == pytest.approx(48 * 48 * 100 * 100)
    assert (rows[2]["kernel"], rows[2]["weight_bytes"]) == ("stock", 0)


def test_what_pays_is_the_same_at_any_size(models, process):
    path = models("one-that-pays").path
    for sizes in ((14,), (100,), (14, 100), (100, 14), (100, 56)):
        rows = resized(process, path, *sizes)
        assert [row["kernel"] != "stock" for row in rows] == [True, False, False], sizes
