"""`python -m benchmarks mnn`: the files it makes, and that it tells wins from losses."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("MNN")
pytest.importorskip("torch")

import numpy as np
import torch

from benchmarks.mnn import networks
from benchmarks.mnn.files import Recipe, _name, _prune, mnn_file
from benchmarks.mnn.measure import Outcome, run_case
from benchmarks.mnn.plan import Case, Plan, Player, choose, read_plan
from benchmarks.mnn.results import MnnReport
from benchmarks.protocol import Conditions
from patternlite.errors import OutputMismatchError, PatternliteError
from patternlite.isolated import environment_of_child
from patternlite.machine import describe_machine

ROOT = Path(__file__).parents[3]
RECIPE = Recipe("tiny", "g2", 8.0, 4.0)
PLAN = """
[contenders]
"MNN" = { file = "dense" }
"MNN, sparse 1x4" = { file = "blocks" }
"MNN, pruned file" = { file = "pruned" }
"ours" = { file = "pruned", plugin = true, prepare = true }

[[cases]]
net = "tiny"
structure = "g2"
conv3x3 = 8.0
fully_connected = 4.0
claims = [
  { kind = "operators", of = "ours", over = "MNN", must = 1000.0, reach = 2000.0 },
  { kind = "speed-up", of = "ours", over = "MNN, sparse 1x4", must = 0.001, reach = 1000.0 },
  { kind = "difference", of = "ours", over = "torch", must = 1e-5, reach = 0.0 },
  { kind = "difference", of = "ours", over = "MNN, pruned file", must = 1e-4, reach = 0.0 },
  { kind = "memory", of = "ours", over = "MNN", must = 0.0, reach = 0.0 },
  { kind = "prepare", of = "ours", must = 100.0, reach = 0.0 },
]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def masks(kind: str) -> dict[str, np.ndarray]:
    model = networks.with_random_weights("tiny")
    _prune(model, RECIPE, kind)
    return {name: p.detach().numpy() != 0 for name, p in model.named_parameters() if p.dim() > 1}


def test_both_ways_to_prune_keep_the_same_share() -> None:
    pruned, blocks = masks("pruned"), masks("blocks")
    for name, mask in pruned.items():
        share = {"fc.weight": 1 / 4}.get(name, 1 / 8 if "conv" in name and "stages" in name else 1.0)
        assert mask.mean() == pytest.approx(share, abs=0.06), name
        assert blocks[name].mean() == pytest.approx(share, abs=0.06), name
    fours = blocks["stages.3.1.conv2.weight"].reshape(8, 4, -1)
    assert (fours == fours[:, :1]).all()


def test_files_are_made_once(folder: Path) -> None:
    paths = [mnn_file(folder, RECIPE, kind).path for kind in ("dense", "pruned", "blocks")]
    before = [path.stat().st_mtime_ns for path in paths]
    assert [
        mnn_file(folder, RECIPE, k).path.stat().st_mtime_ns for k in ("dense", "pruned", "blocks")
    ] == before
    dense, pruned, blocks = (path.stat().st_size for path in paths)
    assert dense == pruned
    assert blocks < dense / 2  # stored sparse, which is what makes MNN run it so
    assert len(list(folder.iterdir())) == 6


@pytest.mark.parametrize("part", [networks.SlimResNet18, networks.wide.ResNet18, networks.vgg16])
def test_other_networks_are_other_files(part: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever module they are written in."""
    module, source = inspect.getmodule(part), inspect.getsource
    before = _name(RECIPE, "dense")
    monkeypatch.setattr(inspect, "getsource", lambda of: source(of) + "\nx = 1" * (of is module))
    assert _name(RECIPE, "dense") != before


def test_random_weights_repeat() -> None:
    first, second = (networks.with_random_weights("tiny") for _ in range(2))
    x = torch.ones(1, 3, 16, 16)
    torch.testing.assert_close(first(x), second(x), rtol=0, atol=0)


def test_a_busy_machine_is_told_of() -> None:
    outcome = Outcome(Case(RECIPE, ()), 2, {}, {}, load=1.5)
    report = MnnReport({"clock": "wall"}, [outcome], machine=replace(describe_machine(), cores=2))
    assert report.crowded == ""
    busy = replace(report, outcomes=[replace(outcome, load=4.0)])
    assert busy.crowded.endswith("measure again: tiny-g2-8x-fc4x (2, load 4.0)")


def test_wrong_answers_are_not_timed(folder: Path, tmp_path: Path) -> None:
    plan = Plan({"ours": Player("pruned", plugin=True)}, ())
    answer = mnn_file(shutil.copytree(folder, tmp_path / "models"), RECIPE, "pruned").answer
    np.save(answer, np.load(answer) + 1)
    conditions = Conditions(1, (min(os.sched_getaffinity(0)),), 0.1)
    with pytest.raises(OutputMismatchError, match=r"tiny-pruned-.*, ours: outputs differ"):
        run_case(plan, Case(RECIPE, ()), conditions, answer.parent, lambda fraction: None)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    plan, output = tmp_path / "plan.toml", tmp_path / "out" / "mnn.json"
    plan.write_text(PLAN)
    paths = ["--plan", str(plan), "--files", str(folder), "--output", str(output)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "mnn", *paths, "--threads", "1", "--seconds", "0.3"],
        cwd=ROOT,
        env=environment_of_child(),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "tiny-g2" in run.stdout
    report = json.loads(output.read_text())
    assert [v["state"] for v in report["verdicts"]] == ["missed", "met", "met", "met", "missed", "met"]
    (outcome,) = report["outcomes"]
    assert outcome["load"] >= 0
    ours, stock = outcome["measured"]["ours"], outcome["measured"]["MNN"]
    assert len(ours["operators"]) == len(outcome["measured"]["MNN, pruned file"]["operators"])
    assert sum(ours["operators"].values()) > 0 and len(ours["rounds"]) == len(stock["rounds"]) >= 3
    assert ours["differences"].keys() == {"torch", "MNN, pruned file"} and stock["differences"].keys() == {
        "torch"
    }
    assert set(outcome["preparations"]) == {"ours"}
    assert report["machine"]["cpu"] and report["versions"]["mnn"] and report["date"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"blocks"', '"half"', "unknown file 'half'; known: dense, pruned, blocks"),
        ('net = "tiny"', 'net = "huge"', "unknown network 'huge'"),
        (
            'over = "torch"',
            'over = "MNN"',
            "unknown reference for ours 'MNN'; known: torch, MNN, pruned file",
        ),
        (", prepare = true", "", "the loading of 'ours' is not measured"),
        ("conv3x3 = 8.0", "", r"cases\[0\]\.conv3x3 is missing"),
        ("plugin", "plugins", r"unknown key 'contenders\.ours\.plugins'"),
        ('over = "MNN, sparse 1x4", ', "", "the claim of 'ours', speed-up, lacks over"),
    ],
)
def test_what_a_plan_has_wrong(old: str, new: str, words: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    assert old in PLAN
    plan.write_text(PLAN.replace(old, new))
    with pytest.raises(PatternliteError, match=words):
        read_plan(plan)


def test_the_plan_that_ships() -> None:
    plan = read_plan(ROOT / "benchmarks" / "mnn.toml")
    assert [case.recipe.net for case in choose(plan, ["vgg16"])] == ["vgg16"]
    with pytest.raises(ValueError, match="unknown network 'alexnet'; known: resnet18, vgg16, resnet18-cifar"):
        choose(plan, ["vgg16", "alexnet"])
