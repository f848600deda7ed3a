"""The smallest network, through everything."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.latency import nets
from benchmarks.latency.cases import Case, Plan, read_plan
from benchmarks.latency.nets import choose
from benchmarks.models.files import ModelFiles, Rates
from benchmarks.models.tflite_weights import layers
from benchmarks.timing import protocol
from patternlite.errors import PatternliteError
from patternlite.support.isolated import environment_of_child

ROOT = Path(__file__).parents[3]
RATES = Rates(conv3x3=8.0, conv1x1=4.0, depthwise=True, fully_connected=2.0)
PLAN = """
[contenders]
"LiteRT" = { rival = "ai-edge-litert", file = "dense", prepare = true }
"MNN" = { rival = "mnn", file = "dense" }
"LiteRT, pruned file" = { rival = "ai-edge-litert", file = "pruned" }
"ours" = { rival = "patternlite in ai-edge-litert", file = "pruned", prepare = true }
"ours in MNN" = { rival = "patternlite in mnn", file = "pruned" }
"MNN, its own sparsity" = { rival = "mnn, sparse", file = "blocks" }
[rates]
tiny = { conv3x3 = 8.0, conv1x1 = 4.0, depthwise = true, fully_connected = 2.0 }
[[claims]]
kind = "prepare"
of = "ours"
must = 1000.0
reach = 0.000001
[[cases]]
net = "tiny"
structure = "g2"
claims = [{ kind = "speed-up", of = "ours", over = "LiteRT", must = 1000.0, reach = 2000.0 }]
"""


def write_and_fail(source: Path, target: Path) -> None:
    target.write_bytes(b"half")
    raise ValueError("half")


def weights_of(path: Path) -> list[tuple[str, np.ndarray]]:
    return [(layer.kind, layer.weights) for layer in layers(bytearray(path.read_bytes()))]


def test_the_pruned_file_is_the_dense_one_with_zeros(files: ModelFiles) -> None:
    dense, pruned = files.dense("tiny"), files.pruned("tiny", "g2", RATES)
    shares = []
    for (_, before), (_, after) in zip(weights_of(dense), weights_of(pruned), strict=True):
        assert np.count_nonzero(before) == before.size
        kept = after != 0
        shares.append(kept.mean())
        ratio = after[kept] / before[kept]
        assert ratio == pytest.approx(ratio[0], rel=1e-6)
    kinds = [kind for kind, _ in weights_of(pruned)]
    assert kinds == ["conv", "conv", "conv", "depthwise", "conv", "fully-connected"]
    assert shares[:5] == pytest.approx([1, 1 / 8, 1 / 8, 4 / 9, 1 / 4], rel=0.02)
    assert shares[5] == pytest.approx(0.5, abs=0.1)


def test_files_are_made_once(files: ModelFiles) -> None:
    for make in (files.dense, lambda net: files.pruned(net, "g2", RATES)):
        path = make("tiny")
        before = path.stat().st_mtime_ns
        assert make("tiny") == path and path.stat().st_mtime_ns == before
    assert files.pruned("tiny", "g4", RATES) != files.pruned("tiny", "g2", RATES)
    assert all(path.is_file() for path in path.parent.iterdir())


def test_of_a_file_that_cannot_be_made_nothing_stays(files: ModelFiles, monkeypatch) -> None:
    before = set(files.dense("tiny").parent.iterdir())
    monkeypatch.setattr("benchmarks.models.files.int8.quantise", write_and_fail)
    with pytest.raises(ValueError, match="half"):
        files.int8(files.dense("tiny"))
    assert set(files.dense("tiny").parent.iterdir()) == before


def test_the_command(files: ModelFiles, tmp_path: Path) -> None:
    """A claim that cannot hold is told as missed, and one that must as met."""
    plan, output = tmp_path / "plan.toml", tmp_path / "out" / "nets.json"
    plan.write_text(PLAN)
    paths = ["--plan", plan, "--files", files.dense("tiny").parent, "--output", output]
    options = [*map(str, paths), "--threads", "1", "--seconds", "0.3", "--cpu-time"]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nets", *options],
        cwd=ROOT,
        env=environment_of_child(),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "tiny-g2" in run.stdout and "missed" in run.stdout and "met" in run.stdout
    report = json.loads(output.read_text())
    (outcome,) = report["outcomes"]
    measured = outcome["measured"]
    assert measured.keys() == set(tomllib.loads(PLAN)["contenders"])
    for entry in measured.values():
        timing = entry["timing"]
        assert 0 < timing["minimum"] <= timing["median"] <= timing["p90"]
        assert len(entry["rounds"]) >= 3 and min(entry["rounds"]) == pytest.approx(timing["minimum"])
        assert entry["difference"] <= 1e-4
    assert len({len(entry["rounds"]) for entry in measured.values()}) == 1
    # Of blocks there is one contender alone: its answer is compared with a witness's.
    assert measured["MNN, its own sparsity"]["difference"] > 0
    kernels = {label: entry["kernels"] for label, entry in measured.items()}
    assert kernels["LiteRT"] == kernels["MNN"] == kernels["LiteRT, pruned file"] == []
    assert "depthwise" in kernels["ours"] and kernels["ours in MNN"]
    assert set(outcome["preparations"]) == {"LiteRT", "ours"}
    assert all(p["seconds"] > 0 and p["peak_bytes"] > 0 for p in outcome["preparations"].values())
    assert [v["state"] for v in report["verdicts"]] == ["missed", "met"]
    assert report["machine"]["cpu"] and report["versions"]["mnn"] and report["date"]
    assert outcome["neighbours"]["others"] >= 0 and outcome["neighbours"]["stolen"] >= 0
    assert output.with_suffix(".svg").read_text().startswith("<?xml")


PUBLISHED = """
[contenders]
"TFLite" = { rival = "tflite-runtime", file = "dense" }
"ours in TFLite" = { rival = "patternlite in tflite-runtime", file = "pruned" }
[rates]
tiny = { conv3x3 = 8.0, conv1x1 = 4.0, depthwise = true, fully_connected = 2.0 }
[[cases]]
net = "tiny"
structure = "g2"
"""


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, words)])
    main()


def test_the_published_set(files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured stays; its report is drawn each time, and by a command of its own."""
    pytest.importorskip("jinja2")
    monkeypatch.setattr("benchmarks.results.REVISION", "1234567-dirty")
    plan, output = tmp_path / "plan.toml", tmp_path / "published.json"
    plan.write_text(PUBLISHED)
    paths = ("--plan", plan, "--files", files.dense("tiny").parent, "--output", output)
    options = (*paths, "--threads", 1, "--seconds", 0.1)
    command(monkeypatch, *options)
    (outcome,) = json.loads(output.read_text())["outcomes"]
    assert outcome["measured"].keys() == {"TFLite", "ours in TFLite"}
    monkeypatch.setattr(nets, "run_case", lambda *_: pytest.fail("measured again"))
    page = output.with_suffix(".html")
    for words in (options, ("report", output)):
        assert "tiny" in page.read_text()
        page.unlink()
        command(monkeypatch, *words)
    assert "tiny" in page.read_text()
    plan.write_text(PUBLISHED.replace('"g2"', '"g4"'))
    with pytest.raises(
        SystemExit, match=r"published\.json was measured .*of files not committed: move it away"
    ):
        command(monkeypatch, *options)


def test_the_quick_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_case(plan: Plan, case: Case, conditions: list[protocol.Conditions], *_: object) -> None:
        (condition,) = conditions
        raise PatternliteError(f"{case.name}, {condition.threads}, {condition.seconds}")

    monkeypatch.setattr(nets, "run_case", run_case)
    with pytest.raises(SystemExit, match=r"resnet18_cifar-mix-8x, 1, 15\.0"):
        command(monkeypatch, "--quick", "--output", tmp_path / "quick.json", "--files", tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nets", "--seconds", "nan"], "nan is not a number of seconds above 0"),
        (["nets", "--threads", "0"], "0 is not a number of threads, 1 or more"),
        (["nets", "--plan", "nowhere.toml"], "nowhere.toml"),
        (["accuracy", "nowhere", "--case", "shipped"], "nowhere does not exist"),
        (["accuracy", "nowhere"], "resnet10 is not trained: give its weights, --weights resnet10=PATH"),
        (["layers", "--threads", "0"], "0 is not a number of threads, 1 or more"),
        (["nets", "--net", "vgg16", "nope"], "unknown net 'nope'; known: resnet18, vgg16"),
        (["tune", "resnet18", "nope"], "unknown network 'nope'; known: resnet18"),
        (["tune", "resnet18", "--trials", "0"], "0 is not a number of candidates, 1 or more"),
        (["tune", "resnet18", "--seconds", "nan"], "nan is not a number of seconds above 0"),
        (["accuracy", "nowhere", "--seeds", "0", "0"], "seed '0' is there 2 times"),
        (["nets", "--output", "out.svg"], "out.svg is no name for results: give one that ends in .json"),
        (["nets", "--output", f"{__file__}/x/out.json"], "out.json cannot be written: Not a directory"),
    ],
)
def test_what_cannot_be_measured_says_so_in_a_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *words, "--files", tmp_path)
    assert message in f"{end.value.code}{capsys.readouterr().err}"


def test_cases_can_be_chosen() -> None:
    plan = read_plan(ROOT / "benchmarks" / "plans" / "nets.toml")
    assert {c.net for c in choose(plan, ["vgg16"], [])} == {"vgg16"}
    with pytest.raises(PatternliteError, match="no such case; known: resnet18-g2"):
        choose(plan, ["vgg16"], ["c4"])
