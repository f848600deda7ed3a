"""A clock that only reading it moves, so that what a program does in a time can be counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from patternlite.isolated import environment_of_child


def readings(program: str, folder: Path) -> int:
    """How often a Python program reads the steady clock, a millisecond later each time."""
    clock = folder / "clock.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", str(Path(__file__).with_suffix(".c")), "-o", str(clock)], check=True
    )
    program += f"\nimport ctypes\nprint(ctypes.CDLL({str(clock)!r}).clock_reads())\n"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment_of_child(LD_PRELOAD=str(clock)),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout.splitlines()[-1])
