"""The accuracy table on a network that is pruned in a second: rows, resuming, claims."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.accuracy.client import some_of
from benchmarks.accuracy.plan import NOBODY, Job, Plan, jobs, read_plan
from benchmarks.accuracy.results import Row
from benchmarks.accuracy.rows import Laboratory, run, time_rows, weights_of
from benchmarks.timing.neighbours import NOBODY_ELSE, Neighbours, Watch
from benchmarks.timing.worker import pin
from patternlite.errors import PatternliteError
from patternlite.images.labelled import LabelledImages
from patternlite.runtimes.check import PROBES
from patternlite.runtimes.latency import Contender, Latency, measure_latency
from patternlite.runtimes.machine import describe_machine
from patternlite.runtimes.timing import Timing
from patternlite.support.progress import Stages

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL = """
[networks.resnet10]
model = "benchmarks.accuracy.resnet10:resnet10"
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]

[recipes.ours]
images = 16
refine_steps = 0
distill_steps = 0

[clients.few]
images = 4
epochs = 1
rate = 0.01
batch = 2

[[cases]]
network = "resnet10"
budget = { rate = 4.0 }
recipes = ["ours"]
must = { none = { least = 1.0 }, few = { drop = 100 } }
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "plan.toml").write_text(SMALL)
    return read_plan(tmp_path / "plan.toml")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            folder = tmp_path / "data" / split / label
            folder.mkdir(parents=True)
            for i in range(4):
                image = Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8))
                image.save(folder / f"{i}.png")
    return tmp_path / "data"


@pytest.fixture
def any_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are exported elsewhere (tests/python/convert): here, any file will do."""
    monkeypatch.setattr("benchmarks.accuracy.rows.to_onnx", lambda model, shape, path, masks: path)
    monkeypatch.setattr(
        "benchmarks.accuracy.rows.to_tflite", lambda _, path: shutil.copy(PROBES / "probe.tflite", path)
    )


def run_all(laboratory: Laboratory, chosen: list[Job]) -> tuple[list[Row], list[int]]:
    counts: list[int] = []
    with Stages(Console(file=io.StringIO())) as stages:
        return run(laboratory, chosen, stages, lambda rows: counts.append(len(rows))), counts


def time_all(laboratory: Laboratory, chosen: list[Job], rows: list[Row]) -> tuple[list[Row], list[int]]:
    counts: list[int] = []
    with Stages(Console(file=io.StringIO())) as stages:
        timed = time_rows(laboratory, chosen, rows, 1, 0.1, stages, lambda rows: counts.append(len(rows)))
    return timed, counts


@pytest.mark.usefixtures("any_files")
def test_rows_are_measured_and_timed_once(plan: Plan, data: Path, tmp_path: Path, monkeypatch) -> None:
    chosen = jobs(plan, [], [], [], [0])
    assert [job.client for job in chosen] == [NOBODY, "few"]
    torch.manual_seed(0)
    weights = tmp_path / "weights.pt"
    torch.save(Laboratory(plan, data, {}, tmp_path / "x")._fresh(chosen[0]).state_dict(), weights)

    def laboratory() -> Laboratory:
        return Laboratory(plan, data, {"resnet10": weights}, tmp_path / "rows")

    rows, counts = run_all(laboratory(), chosen)
    assert counts == [1, 2]
    assert rows[0].rate >= 4.0
    assert rows[1].rate == rows[0].rate
    assert all(0 <= row.accuracy <= 1 for row in rows)
    monkeypatch.setattr(Laboratory, "measure", lambda *_: pytest.fail("measured again"))
    assert run_all(laboratory(), chosen)[0] == rows

    monkeypatch.setattr(os, "getloadavg", lambda: (0.25, 0.0, 0.0))
    monkeypatch.setattr(Watch, "so_far", lambda self: NOBODY_ELSE)
    monkeypatch.setattr("benchmarks.accuracy.rows.REVISION", "1234567")
    timed, counts = time_all(laboratory(), chosen, rows)
    speed = timed[0].speed
    assert speed is not None
    assert speed.pruned_ms > 0
    assert (speed.revision, speed.machine, speed.load) == ("1234567", describe_machine(), 0.25)
    assert [replace(timed[0], speed=None), timed[1]] == rows  # retrained ones are as fast
    assert counts == [2]
    assert laboratory().known(chosen[0]) == timed[0]
    other = replace(chosen[0], seed=1)
    assert laboratory().known(other) is None

    monkeypatch.setattr(Laboratory, "time", lambda *_: pytest.fail("timed again"))
    assert time_all(laboratory(), chosen, timed) == (timed, [])
    monkeypatch.setattr(Laboratory, "time", lambda *_: timed[0])
    machine = replace(describe_machine(), cpu="another")
    taken = Neighbours(others=0.5)
    for change in (
        {"threads": 2},
        {"revision": "abc"},
        {"machine": machine},
        {"load": 1e3},
        {"neighbours": taken},
    ):
        stale = [replace(timed[0], speed=replace(speed, **change)), timed[1]]
        assert time_all(laboratory(), chosen, stale) == (timed, [2])
    monkeypatch.setattr("benchmarks.accuracy.rows.REVISION", "1234567-dirty")
    dirty = [replace(timed[0], speed=replace(speed, revision="1234567-dirty")), timed[1]]
    assert time_all(laboratory(), chosen, dirty) == (timed, [2])  # the mark does not say what ran


def test_ours_is_timed_over_stock(plan: Plan, data: Path, tmp_path: Path, monkeypatch) -> None:
    """And stock runs the pruned file, too, so that the plugin's answer is compared."""
    times = {("dense", False): 6.0, ("pruned", False): 5.0, ("pruned", True): 2.0}
    seen = set()

    class Here:
        def __enter__(self) -> Here:
            return self

        def __exit__(self, *_: object) -> None: ...

        def call(self, function, *args, **options) -> object:
            if function is measure_latency:
                return self.measure(*args, **options)
            return {pin: None, time.process_time: 0.0}[function]

        def measure(self, runtime: str, contenders: list[Contender], threads: int, seconds: float) -> list:
            seen.update((c.path.name, c.plugin) for c in contenders)
            timings = (Timing.of([times[c.path.name, c.plugin] / 1e3]) for c in contenders)
            return [
                Latency(runtime, threads, c.label, c.plugin, timing, None)
                for c, timing in zip(contenders, timings, strict=True)
            ]

    row = Row("", "", "", 0, 0.9, 0.8, 4.0, 4.0, 4.0, None, None, (), 1.0, 0.0, "")
    monkeypatch.setattr("benchmarks.accuracy.rows.Isolated", Here)
    monkeypatch.setattr(Laboratory, "known", lambda *_: row)
    monkeypatch.setattr(Laboratory, "_keep", lambda *_: None)
    monkeypatch.setattr(Laboratory, "_tflite", lambda _, job, dense: Path("dense" if dense else "pruned"))
    job = jobs(plan, [], [], [NOBODY], [0])[0]
    speed = Laboratory(plan, data, {}, tmp_path / "rows").time(job, 1, 0.1).speed
    assert speed is not None and speed.speed_up == pytest.approx(3.0)
    assert speed.neighbours.others >= 0 and speed.neighbours.stolen >= 0
    assert seen == times.keys()


@pytest.mark.usefixtures("any_files")
def test_the_command(data: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "plan.toml").write_text(SMALL.replace("mean", "trained = true\nmean", 1))
    monkeypatch.setattr(os, "getloadavg", lambda: (1e3, 0.0, 0.0))
    plan, files, output = (str(tmp_path / name) for name in ("plan.toml", "rows", "out.json"))
    paths = ["--plan", plan, "--files", files, "--output", output]
    options = ["--client", "none", "--seeds", "0", "--latency", "0.1"]
    monkeypatch.setattr(sys, "argv", ["benchmarks", "accuracy", str(data), *paths, *options])
    main()
    report = json.loads((tmp_path / "out.json").read_text())
    assert (report["settings"]["latency"], report["settings"]["threads"]) == (0.1, 1)
    assert [row["speed"]["load"] for row in report["outcomes"]] == [1e3]
    assert (tmp_path / "out.svg").is_file()
    busy = "measure again: resnet10 rate 4x, ours, seed 0 (1, load 1000.0)"
    assert busy in capsys.readouterr().out


def test_a_network_without_weights_is_trained_once(data: Path, tmp_path: Path, monkeypatch) -> None:
    course = "training = [{ epochs = 1, peak = 0.1, cut = 0 }]\n\n[recipes.ours]"
    (tmp_path / "plan.toml").write_text(SMALL.replace("[recipes.ours]", course))
    plan = read_plan(tmp_path / "plan.toml")
    job = jobs(plan, [], [], [NOBODY], [0])[0]

    def trained() -> dict[str, torch.Tensor]:
        laboratory = Laboratory(plan, data, {}, tmp_path / "rows")
        assert laboratory.untrained([job]) == ["resnet10"]
        laboratory.train("resnet10", lambda *_: None)
        assert laboratory.untrained([job]) == []
        return laboratory._fresh(job).state_dict()

    first = trained()
    monkeypatch.setattr("benchmarks.accuracy.rows.train", lambda *_: pytest.fail("trained again"))
    again = trained()
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    given = Laboratory(plan, data, {"resnet10": tmp_path / "mine.pt"}, tmp_path / "other")
    assert given.untrained([job]) == []


def test_an_untrained_network_is_not_measured(plan: Plan, data: Path, tmp_path: Path) -> None:
    chosen = jobs(plan, [], [], [NOBODY], [0])
    with pytest.raises(PatternliteError, match=r"resnet10 is not trained: .* --weights resnet10=PATH"):
        Laboratory(plan, data, {}, tmp_path / "rows").untrained(chosen)
    trained = replace(plan.networks["resnet10"], trained=True)
    other = replace(plan, networks={"resnet10": trained})
    assert Laboratory(other, data, {}, tmp_path / "rows").untrained(chosen) == []


@pytest.mark.parametrize("text", ['{"case"', "[]", '{"case": "net"}'])
def test_a_damaged_row_is_named(plan: Plan, data: Path, tmp_path: Path, text: str) -> None:
    laboratory = Laboratory(plan, data, {}, tmp_path)
    job = jobs(plan, [], [], [NOBODY], [0])[0]
    path = laboratory._path(job, ".json")
    path.write_text(text)
    with pytest.raises(PatternliteError, match=f"{path.name} is no row .*; move it away"):
        laboratory.known(job)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("none = {", "nobody = {"), "unknown client 'nobody'"),
        (('"resnet10"\nbudget', '"resnet11"\nbudget'), "unknown network 'resnet11'"),
        (("{ least = 1.0 }", "{ }"), "either least or drop"),
        (("epochs", "passes"), r"unknown key 'clients\.few\.passes'"),
        (("epochs = 1", "epochs = 0"), "epochs is 0: it must be above 0"),
        (('["ours"]', '["theirs"]'), "unknown recipe 'theirs'"),
        (('["ours"]', "[]"), "resnet10 rate 4x: give recipes"),
        (("rate = 4.0 }", "rates = 4.0 }"), "unknown option rates"),
        (("images = 16", "image = 16"), "unknown option image"),
        (("mean", "trainings = []\nmean"), r"unknown key 'networks\.resnet10\.trainings'; known: model"),
        (("must = {", "musts = {"), r"unknown key 'cases\[0\]\.musts'"),
        (
            ("[clients.few]", "[[cases]]\n" + SMALL.split("[[cases]]\n")[1] + "[clients.few]"),
            "is there 2 times",
        ),
    ],
)
def test_a_wrong_plan_says_what_is_wrong(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(SMALL.replace(*change))
    with pytest.raises(PatternliteError, match=message):
        read_plan(path)


def test_weights_are_named() -> None:
    assert weights_of(["a=b.pt"]) == {"a": Path("b.pt")}
    with pytest.raises(PatternliteError, match="give NETWORK=PATH"):
        weights_of(["b.pt"])


def test_some_images_of_each_class() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    images = LabelledImages(np.arange(6)[:, None, None, None], labels, ("a", "b"))
    assert some_of(images, None, 0) is images
    chosen = some_of(images, 4, 0)
    assert chosen.labels.tolist() == [0, 0, 1, 1]
    assert all(labels[i] == label for i, label in zip(chosen.pixels.ravel(), chosen.labels, strict=True))
    assert any((some_of(images, 4, seed).pixels != chosen.pixels).any() for seed in range(1, 9))
