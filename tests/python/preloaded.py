"""Programs that run with a C library of the tests in front of the system's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from patternlite.support.isolated import environment_of_child


def last_line(program: Callable[[str], str], source: Path, folder: Path) -> str:
    """What a Python program prints last.

    program: its text, given the path of the library, which is built of the C file `source` in `folder`.
    """
    library = str(folder / source.with_suffix(".so").name)
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", library], check=True)
    done = subprocess.run(
        [sys.executable, "-c", program(library)],
        env=environment_of_child(LD_PRELOAD=library),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()[-1]
