"""Single layers: the plan, and a small one measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.layers import DENSE, choose_sets, read_layers
from benchmarks.stacks import Stack
from patternlite.errors import PatternliteError

ROOT = Path(__file__).parents[3]
PLAN = """
rates = { conv3x3 = 8.0, first = true }
[claims.avx512]
g2 = { must = 0.0, reach = 1.0 }
[claims.avx2]
g2 = { must = 0.0, reach = 1.0 }
[claims.generic]
g2 = { must = 0.0, reach = 1.0 }
[[sets]]
name = "small"
structures = ["g2"]
layers = [
  { kernel = 3, channels = 32, filters = 32, size = 8 },
  { kernel = 3, channels = 16, filters = 32, size = 8 },
  { kernel = 3, channels = 16, filters = 32, size = 8, stride = 2 },
]
"""


def test_the_plan_that_ships() -> None:
    plan = read_layers(ROOT / "benchmarks" / "layers.toml")
    layers = [layer for layer, _ in choose_sets(plan, [])]
    assert len(layers) == len(set(layers)) == 19
    assert [layer.size for layer, _ in choose_sets(plan, ["stride2"])] == [28, 14, 7]
    with pytest.raises(PatternliteError, match="no set 'vgg'; known: resnet18"):
        list(choose_sets(plan, ["vgg"]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('["g2"]', '["g3"]', "unknown structure 'g3'"), ("size", "side", "'side'"), ("must", "most", "'most'")],
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


def test_the_command(tmp_path: Path) -> None:
    plan, output = tmp_path / "plan.toml", tmp_path / "layers.json"
    plan.write_text(PLAN)
    options = ["--plan", plan, "--files", tmp_path / "models", "--output", output, "--seconds", "0.5"]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "layers", "--cpu-time", *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "conv3x3s2-16-32-8-x1" in run.stdout
    outcomes = json.loads(output.read_text())["outcomes"]
    # A pair counts both convolutions.
    for outcome, macs in zip(outcomes, (32 * 32, 2 * 16 * 32, 16 * 32), strict=True):
        assert outcome["peak"] > 1e8
        dense, pruned = outcome["times"]
        assert (dense["way"], dense["kernel"], dense["macs"]) == (DENSE, "stock", 9 * 64 * macs)
        assert pruned["macs"] == 9 * 64 * macs / 8
        for time in (dense, pruned):
            assert time["share"] == pytest.approx(time["macs"] / time["microseconds"] * 1e6 / outcome["peak"])
            assert time["speed_up"] == pytest.approx(dense["microseconds"] / time["microseconds"])
    states = [[time["state"] for time in outcome["times"]] for outcome in outcomes]
    assert all(state == "" for state, _ in states) and states[2] == ["", ""]  # no claim at stride 2
    assert {states[0][1], states[1][1]} <= {"met", "missed"}
