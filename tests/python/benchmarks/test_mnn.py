"""What MNN is watched for, by the plan mnn.toml and `python -m benchmarks nets`, on the smallest network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.latency.cases import read_plan
from benchmarks.models.files import ModelFiles
from patternlite.errors import PatternliteError
from patternlite.support.isolated import environment_of_child

ROOT = Path(__file__).parents[3]
PLAN = """
[contenders]
"LiteRT, pruned file" = { rival = "ai-edge-litert", file = "pruned" }
"MNN" = { rival = "mnn", file = "dense", watch = true }
"MNN, sparse 1x4" = { rival = "mnn, sparse", file = "blocks", watch = true }
"MNN, pruned file" = { rival = "mnn", file = "pruned", watch = true }
"ours" = { rival = "patternlite in mnn", file = "pruned", prepare = true, watch = true }
[rates]
tiny = { conv3x3 = 8.0, fully_connected = 4.0 }
[[cases]]
net = "tiny"
structure = "g2"
claims = [
  { kind = "operators", of = "ours", over = "MNN", must = 1000.0, reach = 2000.0 },
  { kind = "speed-up", of = "ours", over = "MNN, sparse 1x4", must = 0.001, reach = 1000.0 },
  { kind = "difference", of = "ours", must = 1e-4, reach = 0.0 },
  { kind = "memory", of = "ours", over = "MNN", must = 0.0, reach = 0.0 },
  { kind = "prepare", of = "ours", must = 100.0, reach = 0.0 },
]
"""


def test_the_command(files: ModelFiles, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plan, output = tmp_path / "plan.toml", tmp_path / "out" / "mnn.json"
    plan.write_text(PLAN)
    paths = ["--plan", plan, "--files", files.dense("tiny").parent, "--output", output]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nets", *map(str, paths), "--threads", "1", "--seconds", "0.3"],
        cwd=ROOT,
        env=environment_of_child(),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "session, MB" in run.stdout
    report = json.loads(output.read_text())
    assert [v["state"] for v in report["verdicts"]] == ["missed", "met", "met", "missed", "met"]
    (outcome,) = report["outcomes"]
    ours, stock = outcome["measured"]["ours"], outcome["measured"]["MNN"]
    assert len(ours["operators"]) == len(outcome["measured"]["MNN, pruned file"]["operators"])
    assert sum(ours["operators"].values()) > 0 and ours["megabytes"] > 0
    assert len(ours["rounds"]) == len(stock["rounds"]) >= 3
    unwatched = outcome["measured"]["LiteRT, pruned file"]
    assert (unwatched["operators"], unwatched["megabytes"], unwatched["difference"]) == ({}, 0.0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"MNN" = { rival = "mnn", file = "dense", watch = true }',
            '"MNN" = { rival = "mnn", file = "dense" }',
            "the operators of 'MNN' are not measured; give it watch = true",
        ),
        ('"mnn, sparse"', '"ai-edge-litert"', "'MNN, sparse 1x4' cannot be watched: ai-edge-litert is not"),
        (", prepare = true", "", "the loading of 'ours' is not measured"),
        ('over = "MNN, sparse 1x4", ', "", "the claim of 'ours', speed-up, lacks over"),
    ],
)
def test_what_a_plan_has_wrong(old: str, new: str, words: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    assert old in PLAN
    plan.write_text(PLAN.replace(old, new))
    with pytest.raises(PatternliteError, match=words):
        read_plan(plan)
