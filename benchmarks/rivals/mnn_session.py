"""What MNN says about a session: the time of each operator, and the memory that it holds."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from patternlite.runtimes.sessions import MnnSession

_MEMORY = 0  # Interpreter::MEMORY, for getSessionInfo


def watch(session: MnnSession, operators: MutableMapping[str, float]) -> None:
    """One run, in which each operator is timed. Ours are called in their turns, too.

    operators: name -> the least seconds so far, updated by this run.
    """
    begin = 0.0

    def before(tensors: Any, operator: Any) -> bool:
        nonlocal begin
        begin = time.perf_counter()
        return True

    def after(tensors: Any, operator: Any) -> bool:
        seconds = time.perf_counter() - begin
        name = operator.getName()
        operators[name] = min(seconds, operators.get(name, seconds))
        return True

    session._interpreter.runSessionWithCallBackInfo(session._session, before, after)


def megabytes(session: MnnSession) -> float:
    """What the session holds, by MNN's own sum, which includes our layers."""
    return float(session._interpreter.getSessionInfo(session._session, _MEMORY))
