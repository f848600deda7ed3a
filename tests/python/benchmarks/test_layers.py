"""Single layers: the plan, and a small one measured."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.latency import layers
from benchmarks.latency.layers import (
    DENSE,
    OURS,
    LayerOutcome,
    LayerReport,
    choose_sets,
    read_layers,
    run_layer,
)
from benchmarks.models.files import ModelFiles
from benchmarks.models.stacks import Stack
from benchmarks.timing import worker
from benchmarks.timing.neighbours import NOBODY_ELSE, Neighbours
from benchmarks.timing.protocol import Conditions, Contender, Measured
from patternlite.errors import PatternliteError
from patternlite.runtimes.machine import describe_machine
from patternlite.runtimes.timing import Timing
from patternlite.support.isolated import environment_of_child

ROOT = Path(__file__).parents[3]
PLAN = """
rates = { conv3x3 = 8.0, first = true }
[claims.avx512]
g2 = { must = 0.0, reach = 1e9 }
[claims.avx2]
g2 = { must = 0.0, reach = 1e9 }
[claims.generic]
g2 = { must = 0.0, reach = 1e9 }
[[sets]]
name = "small"
structures = ["g2"]
layers = [
  { kernel = 3, channels = 32, filters = 32, size = 16 },
  { kernel = 3, channels = 16, filters = 32, size = 16 },
  { kernel = 3, channels = 16, filters = 32, size = 16, stride = 2 },
]
[[sets]]
name = "own rates"
structures = ["g2"]
rates = { conv3x3 = 4.0, depthwise = true, first = true }
layers = [
  { kernel = 3, channels = 32, filters = 32, size = 16 },
  { kernel = 3, channels = 128, filters = 128, size = 16, depthwise = true },
]
"""


def test_the_plan_that_ships() -> None:
    plan = read_layers(ROOT / "benchmarks" / "plans" / "layers.toml")
    layers = [(s.name, layer) for s, layer in choose_sets(plan, [])]
    assert len(layers) == len(set(layers)) == 32
    assert [layer.size for _, layer in choose_sets(plan, ["stride2"])] == [28, 14, 7]
    rates = {s.rates.conv3x3 for s in plan.sets if s.rates} | {plan.rates.conv3x3}
    assert rates == {2.25, 4.0, 8.0, 12.0, 16.0}
    with pytest.raises(ValueError, match="unknown set 'vgg'; known: resnet18"):
        list(choose_sets(plan, ["vgg"]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["g2"]', '["g3"]', "unknown structure 'g3'"),
        ("size", "side", "unknown key 'sets[0].layers[0].side'"),
        ("must", "most", "unknown key 'claims.avx512.g2.most'"),
        ("claims.avx2", "claims.avx3", "unknown instruction set 'avx3'"),
        ("[claims.avx2]\ng2", "[claims.avx2]\ng4", "unknown structure of a claim 'g4'"),
        ("own rates", "small", "set 'small' is there 2 times"),
    ],
)
def test_a_plan_that_is_wrong_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.replace(old, new))
    with pytest.raises(PatternliteError) as error:
        read_layers(path)
    assert str(path) in str(error.value) and message in str(error.value)


def test_names_tell_all_there_is() -> None:
    names = {str(Stack(3, 16, f, 8, s, d)) for f in (16, 32) for s in (1, 2) for d in (1, 5)}
    assert len(names) == 8


def test_a_step_of_depth_is_a_pair_where_the_channels_would_not_fit() -> None:
    counts = {(f, s): Stack(3, 16, f, 8, stride=s).convolutions for f in (16, 32) for s in (1, 2)}
    assert counts == {(16, 1): 1, (32, 1): 2, (16, 2): 1, (32, 2): 1}


def test_the_kernels_named_are_those_that_were_timed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outcome = run_small(monkeypatch, tmp_path, deep=2.0)
    assert [(time.way, time.kernel) for time in outcome.times] == [(DENSE, "stock"), ("g2", "os-g4+stock")]


def test_a_layer_that_takes_no_time_is_noise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(PatternliteError, match=r"x5 ran no longer than .*x1: too noisy; give more --seconds"):
        run_small(monkeypatch, tmp_path, deep=1.0)


def run_small(monkeypatch: pytest.MonkeyPatch, folder: Path, deep: float) -> LayerOutcome:
    """The plan's first layer, where all shallow models take a millisecond, and deep ones so many."""

    def measure(contenders: list[Contender], *_: object) -> tuple[dict[str, Measured], Neighbours]:
        times = {c.label: deep if c.label.endswith("-x5") else 1.0 for c in contenders}
        kernels = {c.label: ("os-g4", "stock") if c.rival == OURS else () for c in contenders}
        measured = {
            label: Measured(label, Timing.of([ms / 1e3]), (ms,), 0.0, kernels[label])
            for label, ms in times.items()
        }
        return measured, NOBODY_ELSE

    monkeypatch.setattr(layers, "measure", measure)
    monkeypatch.setattr(layers, "_peak", lambda conditions: ("avx2", 1e11))
    (folder / "plan.toml").write_text(PLAN)
    plan = read_layers(folder / "plan.toml")
    small, layer = next(choose_sets(plan, ["small"]))
    with ModelFiles(folder) as files:
        return run_layer(plan, small, layer, Conditions(1, (0,), 0.1), files)


def test_a_glitch_of_the_clock_is_no_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter([120e9] * 4 + [286e9] * 2 + [119e9] * 4)
    native = SimpleNamespace(current_isa=lambda: "avx2", fma_peak=lambda: next(peaks))
    monkeypatch.setattr(worker, "load_native", lambda: native)
    assert worker.fma_peak() == ("avx2", 120e9)


def test_a_busy_machine_is_told_of() -> None:
    outcome = LayerOutcome("small", Stack(3, 16, 16, 8), 1, "avx2", 1e11, (), load=1.5)
    report = LayerReport({}, [outcome], machine=replace(describe_machine(), cores=2))
    assert report.crowded == ""
    busy = replace(report, outcomes=[replace(outcome, load=4.0)])
    assert busy.crowded.endswith("measure again: small, conv3x3s1-16-16-8-x1 (1, load 4.0)")


def test_the_command(tmp_path: Path) -> None:
    plan, output = tmp_path / "plan.toml", tmp_path / "layers.json"
    plan.write_text(PLAN)
    options = ["--plan", plan, "--files", tmp_path / "models", "--output", output, "--seconds", "0.5"]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "layers", "--cpu-time", "--isa", "generic", *map(str, options)],
        cwd=ROOT,
        env=environment_of_child(),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "conv3x3s2-16-32-16-x1" in run.stdout
    outcomes = json.loads(output.read_text())["outcomes"]
    assert [outcome["set"] for outcome in outcomes] == ["small"] * 3 + ["own rates"] * 2
    assert {outcome["isa"] for outcome in outcomes} == {"generic"}
    # Of a pair, one convolution.
    expected = ((32 * 32, 8), (16 * 32, 8), (16 * 32, 8), (32 * 32, 4), (128, 9 / 4))
    for outcome, (macs, rate) in zip(outcomes, expected, strict=True):
        assert outcome["peak"] > 1e8 and outcome["load"] >= 0
        dense, pruned = outcome["times"]
        assert (dense["way"], dense["kernel"], dense["macs"]) == (DENSE, "stock", 9 * 256 * macs)
        assert pruned["macs"] == 9 * 256 * macs / rate
        for time in (dense, pruned):
            assert time["share"] == pytest.approx(time["macs"] / time["microseconds"] * 1e6 / outcome["peak"])
            assert time["speed_up"] == pytest.approx(dense["microseconds"] / time["microseconds"])
    states = [[time["state"] for time in outcome["times"]] for outcome in outcomes]
    assert all(state == "" for state, _ in states)
    assert states[2:] == [["", ""]] * 3  # no claim at stride 2, nor at a set's own rates
    assert states[0][1] == states[1][1] == "met"
