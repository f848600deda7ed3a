"""Results files: what is read, gone on from and written over."""

from __future__ import annotations

import argparse
import errno
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.commands import common
from benchmarks.commands.common import RESULTS
from benchmarks.latency.results import NetReport, read_json
from benchmarks.results import is_dirty, revision_of, write_json
from patternlite.errors import PatternliteError


def test_figures_of_another_machine_or_protocol_are_not_gone_on_from() -> None:
    report = NetReport({"seconds": 1.0, "clock": "wall", "threads": [1]}, ())
    assert report.versions["commit"]
    report = replace(report, versions={**report.versions, "commit": "1234567", "compiled part": "abc"})
    assert report.can_go_on_from(replace(report, settings=report.settings | {"threads": [2]}))
    for other in (
        replace(report, settings=report.settings | {"seconds": 6.0}),
        replace(report, machine=replace(report.machine, cpu="another")),
        replace(report, versions={**report.versions, "mnn": "0"}),
        replace(report, versions={**report.versions, "commit": "another"}),
        replace(report, versions={**report.versions, "compiled part": "another"}),
        replace(report, versions={k: v for k, v in report.versions.items() if k != "commit"}),
    ):
        assert not report.can_go_on_from(other)
    assert report.can_go_on_from(replace(report, versions={**report.versions, "ncnn (rivals)": None}))
    dirty = replace(report, versions={**report.versions, "commit": "1234567-dirty"})
    assert not dirty.can_go_on_from(dirty)


def test_a_commit_is_marked_where_files_differ_from_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        run = subprocess.run(
            ["git", "-C", tmp_path, *who, *words], check=True, capture_output=True, text=True
        )
        return run.stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("1")
    git("add", ".")
    git("commit", "-qm", "one")
    git("tag", "-m", "one", "v1")
    assert revision_of(tmp_path) == git("rev-parse", "--short=7", "HEAD")
    (tmp_path / "results.json").write_text("{}")  # what is new is no code that ran
    assert not is_dirty(revision_of(tmp_path))
    (tmp_path / "code.py").write_text("2")
    assert revision_of(tmp_path) == git("rev-parse", "--short=7", "HEAD") + "-dirty"
    assert is_dirty(revision_of(tmp_path))


@pytest.mark.parametrize(
    "path", [path for what in ("nets", "published", "structures") for path in RESULTS.glob(f"{what}-*.json")]
)
def test_the_results_that_ship_are_read(path: Path) -> None:
    report = read_json(path)
    assert report.outcomes
    assert bool(report.verdicts()) == any(outcome.case.claims for outcome in report.outcomes)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")  # as write() says it: of no file

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: free .*'.*out\.json'"):
        write_json(NetReport({}, []), tmp_path / "out.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"settings": {}, "outcomes": [{"case": 3}]}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(PatternliteError, match="no results file"):
        read_json(path)


def test_a_days_results_are_not_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    first = common.day_file("nets")
    nothing, own = (argparse.Namespace(output=output) for output in (None, tmp_path / "own.json"))
    assert common.output_of(nothing, "nets") == first
    for n in (1, 2):
        (first if n == 1 else first.with_name(f"{first.stem}-{n}.json")).touch()
        assert common.output_of(nothing, "nets") == first.with_name(f"{first.stem}-{n + 1}.json")
    assert common.output_of(nothing, "nets", "vgg16") == common.day_file("nets-vgg16")
    assert common.output_of(own, "nets") == own.output
