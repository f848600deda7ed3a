"""A command that was stopped says what the next one goes on from; where that is nothing, nothing stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .command_line import UNIT, assert_one_line, retrain, run

pytest.importorskip("torch")

PRUNE = (
    "prune", "client_net_of_test:net", "--weights", "net_dense.safetensors", "--input-shape", "3,12,12",
    *UNIT, "--images", "32", "--distill-steps", "0",
)  # fmt: skip


def stopping(after: int, function: Callable) -> Callable:
    """As after Ctrl-C in its call after so many."""
    calls = []

    def stop(*args: object) -> object:
        calls.append(args)
        if len(calls) > after:
            raise KeyboardInterrupt
        return function(*args)

    return stop


def told(result) -> str:
    assert result.exit_code == 130, result.output
    assert "Traceback" not in result.output
    return result.stderr.strip().splitlines()[-1]


def test_pruning_goes_on_from_what_it_finished(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from patternlite.pruning.pipeline import _Run

    command = (*PRUNE, "--rate", "3", "--output", "halted/net")
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "prune_layers", stopping(0, _Run.prune_layers))
        line = "stopped; the same command goes on from halted/net/pruned.checkpoint"
        assert told(run(*command)) == line
        patch.setenv("RANK", "1")  # the first process speaks
        assert "stopped" not in run(*command).stderr
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert not (client / "halted" / "net" / "pruned.checkpoint").exists()


def test_pruning_that_finished_nothing_leaves_nothing(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from patternlite.pruning.pipeline import _Run

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "make_images", stopping(0, _Run.make_images))
        assert told(run(*PRUNE, "--rate", "3", "--output", "none/net")) == "stopped"
        patch.setenv("RANK", "1")  # the first process cleans up
        run(*PRUNE, "--rate", "3", "--output", "other/net")
        assert [path.stem for path in (client / "other/net/pruned.checkpoint").iterdir()] == ["answers"]
    refused = run(*PRUNE, "--rate", "3", "--dense", "3", "--output", "none/net")
    assert_one_line(refused, "nothing to prune")
    assert not (client / "none").exists()
    (client / "mine").mkdir()
    assert_one_line(run(*PRUNE, "--rate", "3", "--dense", "3", "--output", "mine"), "nothing to prune")
    assert list((client / "mine").iterdir()) == []


@pytest.mark.parametrize(
    ("epochs", "line"), [(0, "stopped"), (1, "stopped; the same command goes on from later/new.checkpoint")]
)
def test_retraining_goes_on_from_an_epoch(
    epochs: int, line: str, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patternlite.pruning import retrain as module

    again = ("--epochs", "2")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_train_epoch", stopping(epochs, module._train_epoch))
        assert told(retrain(*again, output="later/new.safetensors")) == line
    assert (client / "later").exists() == bool(epochs)
    if epochs:
        result = retrain(*again, output="later/new.safetensors")
        assert result.exit_code == 0, result.output
        assert not (client / "later" / "new.checkpoint").exists()


def test_warnings_of_a_run_name_options(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warning = "set distill_steps=0 to save its time"
    monkeypatch.setattr("patternlite.pruning.pipeline.warnings_for", lambda *_: [warning])
    result = run(*PRUNE, "--rate", "3", "--output", "warned")
    assert "warning: set --distill-steps 0 to save its time" in result.stdout
    for name in ("report.json", "certificate.json", "report.html"):
        assert "set --distill-steps 0 to" in (client / "warned" / name).read_text()


def test_the_help_tells_of_it() -> None:
    for command, parts in (
        (
            "prune",
            (
                "the same command goes on",
                "For a quick look give --images 64 --refine-steps 5",
                "g2, g4, g16: so",
            ),
        ),
        ("retrain", ("the same command goes on",)),
        ("bench", ("Only tflite-runtime, ai-edge-litert",)),
    ):
        text = " ".join(run(command, "--help").stdout.replace("│", " ").split())
        for part in parts:
            assert part in text
        options = [line for line in run(command, "--help").stdout.splitlines() if "--help" not in line]
        assert "<bool>" not in "".join(options)
