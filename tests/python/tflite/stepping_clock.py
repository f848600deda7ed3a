"""A clock that only reading it moves, so that what a program does in a time can be counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def readings(program: str, folder: Path) -> int:
    """How often a Python program reads the steady clock, a millisecond later each time."""
    clock = folder / "clock.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", str(Path(__file__).with_suffix(".c")), "-o", str(clock)], check=True
    )
    program += f"\nimport ctypes\nprint(ctypes.CDLL({str(clock)!r}).clock_reads())\n"
    environment = {"LD_PRELOAD": str(clock), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout.splitlines()[-1])
