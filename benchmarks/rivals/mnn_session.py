"""What MNN tells of a session: the time of each operator, and what it holds."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from patternlite.runtimes.sessions import MnnSession

_MEMORY = 0  # Interpreter::MEMORY, of getSessionInfo


def watch(session: MnnSession, operators: MutableMapping[str, float]) -> None:
    """One run. Between two of our layers MNN has nothing to show, but each is called in its turn.

    operators: the least seconds of each so far; this run's are taken in.
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
    """What the session holds: MNN's own sum, in which our layers count."""
    return float(session._interpreter.getSessionInfo(session._session, _MEMORY))
