"""The far side: these functions are called in a process that holds one session."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from patternlite.runtimes import MnnSession, runtime_named
from patternlite.timing import timed

_MEMORY = 0  # Interpreter::MEMORY, of getSessionInfo


class WatchedSession(MnnSession):
    """Also tells what each operator takes."""

    def __init__(self, path: Path, threads: int, plugin: bool) -> None:
        super().__init__(runtime_named("mnn"), path, threads, plugin)
        self.operators: dict[str, float] = {}  # least seconds so far

    def watch(self) -> None:
        """One run. Between two of our layers MNN has nothing to show, but each is called in its turn."""
        begin = 0.0

        def before(tensors: Any, operator: Any) -> bool:
            nonlocal begin
            begin = time.perf_counter()
            return True

        def after(tensors: Any, operator: Any) -> bool:
            seconds = time.perf_counter() - begin
            name = operator.getName()
            self.operators[name] = min(seconds, self.operators.get(name, seconds))
            return True

        self._interpreter.runSessionWithCallBackInfo(self._session, before, after)

    def memory(self) -> float:
        """What the session holds, in MB: MNN's own sum, in which our layers count."""
        return float(self._interpreter.getSessionInfo(self._session, _MEMORY))


_session: WatchedSession


def load(path: Path, threads: int, plugin: bool) -> None:
    global _session
    _session = WatchedSession(path, threads, plugin)


def answer(image: np.ndarray) -> np.ndarray:
    return _session.run(image)


def burst(count: int) -> list[float]:
    """Seconds of each of so many runs, one more goes before; after them all, as many are watched."""
    spent = timed(_session.invoke, before=_session.restore_input)(count)
    for _ in range(count):
        _session.restore_input()
        _session.watch()
    return spent


def operators() -> dict[str, float]:
    return _session.operators


def memory() -> float:
    return _session.memory()
