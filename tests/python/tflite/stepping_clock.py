"""A clock that only reading it moves, so that what a program does in a time can be counted."""

from __future__ import annotations

from pathlib import Path

from tests.python.preloaded import last_line


def readings(program: str, folder: Path) -> int:
    """How often a Python program reads the steady clock, a millisecond later each time."""

    def counting(clock: str) -> str:
        return program + f"\nimport ctypes\nprint(ctypes.CDLL({clock!r}).clock_reads())\n"

    return int(last_line(counting, Path(__file__).with_suffix(".c"), folder))
