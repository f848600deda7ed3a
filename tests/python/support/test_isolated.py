"""A process apart: errors come back, crashes become messages, chatter stays off the screen."""

from __future__ import annotations

import multiprocessing
import operator
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from patternlite.errors import MissingPackageError, OutputMismatchError, PatternliteError
from patternlite.runtimes.installed import Runtime, require_installed
from patternlite.runtimes.timing import require_equal
from patternlite.support import isolated
from patternlite.support.isolated import Isolated

# Functions of importable modules only: the process does not know this test.


def test_results_come_back_and_noise_does_not(capfd: pytest.CaptureFixture[str]) -> None:
    with Isolated() as process:
        for descriptor in (1, 2):
            process.call(os.write, descriptor, b"chatter of native code\n")
        assert process.call(operator.add, 1, 2) == 3
    assert capfd.readouterr() == ("", "")


def test_one_process_serves_all_calls_and_is_not_ours() -> None:
    with Isolated() as process:
        pid = process.call(os.getpid)
        assert process.call(os.getpid) == pid != os.getpid()


def test_errors_come_back_as_they_are() -> None:
    absent = Runtime("absent", "no_such_module_here", "absent-package", ".absent")
    ones = np.ones(2)
    with Isolated() as process:
        with pytest.raises(ValueError, match="invalid literal"):
            process.call(int, "x")
        with pytest.raises(MissingPackageError, match="absent is not installed; run: pip install"):
            process.call(require_installed, absent)
        with pytest.raises(OutputMismatchError, match="model: outputs differ"):
            process.call(require_equal, "model", ones, 2 * ones, 1e-4)


def test_a_crash_becomes_a_message() -> None:
    with Isolated() as process:
        process.call(os.write, 2, b"something\nfatal: bad memory\n")
        with pytest.raises(PatternliteError, match="died; its last words: fatal: bad memory"):
            process.call(os._exit, 3)


def test_told_to_stop_while_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def told_to_stop(thread: threading.Thread) -> None:
        raise SystemExit(143)

    others = set(multiprocessing.active_children())  # of tests that keep theirs for several
    with pytest.raises(SystemExit), Isolated() as process, monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", told_to_stop)
        process.call(os.getpid)
    for child in set(multiprocessing.active_children()) - others:
        child.join(60.0)
        assert child.exitcode is not None


def test_told_to_stop_before_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends without a word: the folder of its output is gone."""

    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(isolated.os, "_exit", end)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    with pytest.raises(SystemExit):
        isolated._begin(str(tmp_path / "gone" / "output.log"), False, multiprocessing.Pipe()[1])


@pytest.mark.parametrize("beside_it", [False, True])
def test_a_child_finds_packages_in_the_current_folder_only_where_this_one_lies_there(
    beside_it: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `pip install --target .` has it."""
    here = Path(isolated.__file__).parents[2] if beside_it else tmp_path
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(here)  # as `python -m` does
    monkeypatch.delenv("PYTHONPATH", raising=False)
    found = isolated.environment_of_child()["PYTHONPATH"].split(os.pathsep)
    assert (str(here) in found) == beside_it
