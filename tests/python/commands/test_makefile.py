"""What `make` runs, of stand-ins for the tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder with a space in its name, whose tools write what they are told to `ran`."""
    folder = tmp_path / "a project"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for source in ("pyproject.toml", "constraints.txt", "CMakeLists.txt"):
        (folder / source).touch()
    for sources in ("delegate_src", "plugins", "pruning"):
        (folder / sources).mkdir()
    for tool in ("python", "cmake", "ctest"):
        program(folder / ".venv" / "bin" / tool, 'printf "%s\\n" "$@" >> ran')
    program(tmp_path / "bin" / "c++", "")
    program(tmp_path / "bin" / "python3.11", f'echo "{tmp_path}/include"')  # where Python.h would be
    return folder


def make(project: Path, target: str) -> subprocess.CompletedProcess:
    """With the stand-ins in PATH, and none of the options of a `make` that runs these tests."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    environment["PATH"] = f"{project.parent}/bin:{environment['PATH']}"
    return subprocess.run(
        ["make", target, "PYTHON=python3.11"], cwd=project, env=environment, capture_output=True, text=True
    )


def test_folders_may_have_spaces(project: Path) -> None:
    (project / "build").mkdir()
    for stamp in (".venv/.installed", "build/.system"):
        (project / stamp).touch()
    assert make(project, "test-cpp").returncode == 0
    ran = (project / "ran").read_text().splitlines()
    assert f"-DCMAKE_MAKE_PROGRAM={project}/.venv/bin/ninja" in ran


def test_pythons_headers_are_asked_for(project: Path) -> None:
    result = make(project, ".venv/.installed")
    assert result.returncode != 0
    assert "no Python.h: apt-get install python3.11-dev" in result.stdout
    assert not (project / "ran").exists()


@pytest.mark.parametrize("editable", [True, False])
def test_an_editable_install_stays_one(project: Path, editable: bool) -> None:
    include = project.parent / "include"
    include.mkdir()
    (include / "Python.h").touch()
    record = project / ".venv/lib/python3.11/site-packages/patternlite-0.1.0.dist-info/direct_url.json"
    record.parent.mkdir(parents=True)
    information = {"dir_info": {"editable": True} if editable else {}, "url": "file:///project"}
    record.write_text(json.dumps(information))  # as pip writes it
    result = make(project, ".venv/.installed")
    assert result.returncode == 0, result.stderr
    ran = (project / "ran").read_text().splitlines()
    assert ("-e" in ran) is editable
    assert ran[-1] == ".[convert,tflite,mnn,bench,dev]"
