"""Who is compared and timed, on the smallest network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.latency import nets
from benchmarks.latency.cases import Case, Plan, Player
from benchmarks.latency.nets import conditions_for
from benchmarks.models.files import ModelFiles, Rates
from benchmarks.timing import protocol
from benchmarks.timing.neighbours import NOBODY_ELSE, Neighbours
from benchmarks.timing.worker import Preparation
from patternlite.errors import OutputMismatchError, PatternliteError

RATES = Rates(conv3x3=8.0)
ONE_CORE = protocol.Conditions(1, (min(os.sched_getaffinity(0)),), 0.1)


def test_wrong_answers_are_not_timed(files: ModelFiles) -> None:
    contenders = [
        protocol.Contender("LiteRT", "ai-edge-litert", files.dense("tiny"), "one"),
        protocol.Contender("other", "ai-edge-litert", files.pruned("tiny", "g2", RATES), "one"),
    ]
    with pytest.raises(OutputMismatchError, match="other") as error:
        protocol.measure(contenders, ONE_CORE)
    assert "report this model" not in str(error.value)  # it is none of ours
    contenders[1] = replace(contenders[1], rival="patternlite in ai-edge-litert")
    with pytest.raises(OutputMismatchError, match=r"other.* please report this model"):
        protocol.measure(contenders, ONE_CORE)


def test_an_answer_that_nothing_is_compared_with_is_not_timed(files: ModelFiles) -> None:
    alone = protocol.Contender("LiteRT", "ai-edge-litert", files.dense("tiny"), "one")
    with pytest.raises(ValueError, match="no other answer to compare with that of LiteRT"):
        protocol.measure([alone], ONE_CORE)


def test_ours_is_not_compared_with_ours_alone(files: ModelFiles) -> None:
    path = files.pruned("tiny", "g2", RATES)
    ours = [
        protocol.Contender(f"ours in {name}", f"patternlite in {name}", path, "pruned")
        for name in ("tflite-runtime", "ai-edge-litert")
    ]
    with pytest.raises(ValueError, match="no stock answer to compare with that of ours in tflite-runtime"):
        protocol.measure(ours, ONE_CORE)
    plan = Plan({c.label: Player(c.rival, "pruned") for c in ours}, {}, ())
    case = Case("tiny", "g2", rates=RATES)
    (witness,) = nets._witnesses(plan, case, ours, files)
    assert (witness.rival, witness.path, witness.model) == ("tflite-runtime", path, "pruned")
    assert nets._witnesses(plan, case, [*ours, replace(witness, label="LiteRT, pruned file")], files) == []


def test_who_does_not_run_is_named(files: ModelFiles, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    contenders = [
        protocol.Contender(label, "ai-edge-litert", path, "dense")
        for label, path in (("LiteRT", files.dense("tiny")), ("another", broken))
    ]
    with pytest.raises(protocol.ContenderError, match=r"^another: ") as error:
        protocol.measure(contenders, ONE_CORE)
    assert error.value.label == "another"


def test_a_rival_that_fails_is_left_out(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are measured once more; that ours fails is an error."""
    players = {"MNN": "mnn", "LiteRT": "ai-edge-litert", "ours": "patternlite in ai-edge-litert"}
    plan = Plan({label: Player(rival, "dense") for label, rival in players.items()}, {}, ())
    case = Case("tiny", "g2", rates=RATES)
    contenders, _ = nets._contenders(plan, case, files)
    failing = iter(("MNN", ""))

    def measure(some: list[protocol.Contender], *_: object) -> tuple[dict[str, None], Neighbours]:
        if label := next(failing):
            raise protocol.ContenderError(label, "the process died")
        return {c.label: None for c in some}, NOBODY_ELSE

    monkeypatch.setattr(nets, "measure", measure)

    def run() -> tuple[dict[str, protocol.Measured], Neighbours, dict[str, str]]:
        return nets._measure(plan, case, contenders, files, ONE_CORE, lambda fraction: None)

    measured, _, notes = run()
    assert measured.keys() == {"LiteRT", "ours"}
    assert notes == {"MNN": "left out, it failed: the process died"}
    failing = iter(("ours",))
    with pytest.raises(protocol.ContenderError, match="ours: the process died"):
        run()


def test_a_rival_that_cannot_be_loaded_alone_has_no_preparation(
    files: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its times stay; that ours fails is an error."""
    players = {"MNN": "mnn", "ours": "patternlite in ai-edge-litert"}
    plan = Plan({label: Player(rival, "dense", prepare=True) for label, rival in players.items()}, {}, ())
    contenders, _ = nets._contenders(plan, Case("tiny", "g2", rates=RATES), files)
    failing = "MNN"

    def prepare(contender: protocol.Contender, *_: object) -> Preparation:
        if contender.label == failing:
            raise protocol.ContenderError(failing, "the process died")
        return Preparation(1.0, 2)

    monkeypatch.setattr(nets, "prepare", prepare)
    found, notes = nets._prepare(plan, contenders, ONE_CORE, lambda *_: None)
    assert found == {"ours": Preparation(1.0, 2)}
    assert notes == {"MNN": "loading was not measured, it failed: the process died"}
    failing = "ours"
    with pytest.raises(protocol.ContenderError, match="ours: the process died"):
        nets._prepare(plan, contenders, ONE_CORE, lambda *_: None)


def test_more_threads_than_cores() -> None:
    with pytest.raises(PatternliteError, match="cores"):
        conditions_for([1, 4096], 1.0, "wall")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_cpu_time_is_for_one_thread() -> None:
    with pytest.raises(PatternliteError, match="single thread"):
        conditions_for([1, 2], 1.0, "cpu")
