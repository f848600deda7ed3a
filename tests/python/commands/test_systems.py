"""For which systems there is a build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CMAKE = shutil.which("cmake", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.mark.skipif(not CMAKE or not shutil.which("make"), reason="there is no CMake, or no make for it")
def test_others_are_refused_by_name(tmp_path: Path) -> None:
    command = [CMAKE, "-S", ROOT, "-B", tmp_path, "-DCMAKE_SYSTEM_NAME=FreeBSD"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "patternlite is for Linux; it does not build for FreeBSD" in result.stderr
