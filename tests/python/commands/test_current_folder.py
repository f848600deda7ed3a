"""Files that lie in the current folder by chance do not stand in for packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from patternlite.runtimes.check import PROBES
from patternlite.runtimes.installed import runtime_named

from .command_line import run

pytest.importorskip("patternlite._native")
if not runtime_named("mnn").installed:
    pytest.skip("mnn is not installed", allow_module_level=True)

PROBE = PROBES / "probe.mnn"

# As pip writes it: Python looks where it lies, and not in the current folder.
PROGRAM = """
from patternlite.commands.cli import main

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of files with the names of what our processes import, and multiprocessing's own."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("numpy", "socket"):
        (folder / f"{name}.py").write_text("raise SystemExit('not the real one')")
    return folder


def test_inspect_does_not_run_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)  # as `python -m patternlite` does
    result = run("inspect", PROBE)
    assert result.exit_code == 0, result.output
    assert "1 of 1 layers" in result.stdout


def test_one_that_does_is_named(folder: Path) -> None:
    (folder / "numpy.py").write_text("")
    (folder / "socket.py").unlink()
    command = [sys.executable, "-m", "patternlite", "bench", PROBE]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"{folder / 'numpy.py'} stands in for the package numpy: rename it" in result.stderr


@pytest.mark.parametrize("command", [("bench", PROBE, "--threads", "1", "--seconds", "0.1"), ("doctor",)])
def test_other_commands_do_not_run_them(command: tuple[str | Path, ...], folder: Path) -> None:
    program = folder.parent / "program.py"
    program.write_text(PROGRAM)
    result = subprocess.run([sys.executable, program, *command], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "not the real one" not in result.stderr
