"""A process apart for native libraries: they cannot disturb ours, and a crash is a message."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from .errors import PatternliteError

P = ParamSpec("P")
T = TypeVar("T")


def environment_of_child(**more: str) -> dict[str, str]:
    """For `subprocess`, of a Python that is to find the packages that this one finds, in whatever folder.

    Not the current folder's, where `python -m` looks first, unless PYTHONPATH names it: a file that lies
    there by chance is not to stand in for a package.
    """
    named = map(os.path.abspath, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    unwanted = {os.getcwd()}.difference(named)
    path = [p for p in map(os.path.abspath, filter(None, sys.path)) if p not in unwanted]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **more}


class Isolated:
    """Runs functions in one fresh process; what native code prints there is kept off the screen.

        with Isolated() as process:
            process.call(function, argument)

    Functions and arguments must be picklable. Their exceptions come back as they are; a crash of the
    process becomes a PatternliteError with the last line it printed.

    python: another environment's interpreter, of the same version, whose packages come before ours; it must
    be able to import what is called.
    """

    def __init__(self, python: Path | None = None) -> None:
        self._python = python

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        self._log = Path(self._folder.name, "output.log")
        # Not fork: a copy of threads and native state is what this is to keep apart.
        context = multiprocessing.get_context("spawn")
        self._lifeline, other_end = context.Pipe()
        initargs = (str(self._log), self._python is not None, other_end)
        self._pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=initargs)
        if self._python is not None:
            context.set_executable(str(self._python))  # for all processes begun from now on, so:
            try:
                self._pool.submit(os.getpid)
            finally:
                context.set_executable(sys.executable)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told_to_stop = kind is not None and not issubclass(kind, Exception)
        if told_to_stop:  # nobody waits for its work
            self._lifeline.close()
        # Nor for the pool's thread, which may have been about to start: joining it would be an error.
        self._pool.shutdown(wait=not told_to_stop, cancel_futures=True)
        self._lifeline.close()
        self._folder.cleanup()

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            words = self._log.read_text(errors="replace").split("\n") if self._log.exists() else []
            said = (line.strip() for line in reversed(words))
            last = next((line for line in said if line and not line.startswith("INFO:")), "")
            raise PatternliteError(
                "the process died"
                + (f"; its last words: {last}" if last else " without a word: is the model damaged?")
            ) from None


def _begin(log: str, other_environment: bool, lifeline: Connection) -> None:
    """In the new process. Its sys.path is a copy of ours, which is not that of another environment."""
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    _redirect(log)
    if other_environment:
        sys.path.insert(0, sysconfig.get_path("purelib"))


def _end_with(lifeline: Connection) -> None:
    """Ends the process when the other end is closed, or the process that holds it is gone."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)


def _redirect(path: str) -> None:
    """Points the process's stdout and stderr, native code's included, at a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    os.close(file)
