"""The other side of the protocol: these functions are called in the process that holds the models."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from patternlite.runtimes.check import PROBES
from patternlite.runtimes.sessions import MnnSession, Session
from patternlite.runtimes.timing import timed
from patternlite.support.native import load_native

from ..rivals import RIVALS, mnn_session

_sessions: dict[str, Session] = {}
_operators: dict[str, dict[str, float]] = {}

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def pin(cores: tuple[int, ...]) -> None:
    """Makes this thread, and all threads started from now on, run on these cores."""
    os.sched_setaffinity(0, cores)


def load(label: str, rival: str, path: Path, threads: int) -> None:
    """Loads a model and keeps it under this label."""
    _sessions[label] = RIVALS[rival].open(path, threads)


def input_shape(label: str) -> tuple[int, int, int, int]:
    """(N, C, H, W)."""
    return _sessions[label].input_shape


def answer(label: str, image: np.ndarray) -> np.ndarray:
    return _sessions[label].run(image)


def burst(label: str, count: int, clock: str) -> list[float]:
    """Seconds of each of `count` runs on the last image, after an uncounted one; then waits for quiet."""
    session = _sessions[label]
    spent = timed(session.invoke, CLOCKS[clock], before=session.restore_input)(count)
    _be_quiet()
    return spent


def watched(label: str, count: int) -> list[float]:
    """As `burst`, for MNN only: each operator is timed, too."""
    session, operators = cast(MnnSession, _sessions[label]), _operators.setdefault(label, {})
    spent = timed(partial(mnn_session.watch, session, operators), before=session.restore_input)(count)
    _be_quiet()
    return spent


def operators(label: str) -> dict[str, float]:
    """Operator -> its least seconds while it was watched."""
    return _operators[label]


def megabytes(label: str) -> float:
    """What the session holds, by MNN's own sum."""
    return mnn_session.megabytes(cast(MnnSession, _sessions[label]))


def _be_quiet() -> None:
    """Waits, at most 0.2 seconds, until workers stop spinning on the cores that the next contender needs."""
    for _ in range(40):
        before = time.process_time()
        time.sleep(0.005)
        if time.process_time() - before < 0.001:
            return


def kernels(label: str) -> tuple[str, ...]:
    """The plugin's kernels, each once."""
    return tuple(dict.fromkeys(_sessions[label].kernels()))


@dataclass(frozen=True)
class Preparation:
    """What loading a model costs, until it is ready to run.

    peak_bytes: the most by which the process's memory grew, including one run and the model file's pages.
    """

    seconds: float
    peak_bytes: int


def prepare(rival: str, path: Path, threads: int, clock: str) -> Preparation:
    """Measures loading, in a process that has not loaded this model before."""
    RIVALS[rival].open(PROBES / f"probe{path.suffix}", threads)  # imports the runtime
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    begin = CLOCKS[clock]()
    session = RIVALS[rival].open(path, threads)
    seconds = CLOCKS[clock]() - begin
    session.run(np.zeros(session.input_shape, np.float32))
    return Preparation(seconds, _memory("VmHWM") - before)


def fma_peak() -> tuple[str, float]:
    """The instruction set that the plugin uses, and the multiply-adds per second that a core reaches with it.

    The median of ten, each the best of many, because a virtual machine's clock may jump to twice the peak.
    """
    native = load_native()
    return native.current_isa(), statistics.median(native.fma_peak() for _ in range(10))


def _memory(field: str) -> int:
    """Bytes; VmRSS is what the process holds, VmHWM the most it has held."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]
