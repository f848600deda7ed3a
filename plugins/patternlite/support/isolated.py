"""Child processes for native libraries: they cannot disturb ours, and a crash becomes an error."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import spawn
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from ..errors import PatternliteError

P = ParamSpec("P")
T = TypeVar("T")


def environment_of_child(**more: str) -> dict[str, str]:
    """An environment for `subprocess` in which Python finds the packages that this one finds, in any folder.

    The current folder, where `python -m` looks first, is left out, so that a file that happens to lie there
    is not imported in place of a package; unless PYTHONPATH names it, or this package itself lies in it.
    """
    own = str(Path(__file__).absolute().parents[2])
    named = map(os.path.abspath, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    unwanted = {os.getcwd()}.difference(named, [own])
    path = [p for p in map(os.path.abspath, filter(None, sys.path)) if p not in unwanted]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **more}


class ProcessDiedError(PatternliteError):
    """An `Isolated` process ended before it answered."""


class Isolated:
    """Runs functions in one new process; what native code prints there does not reach the screen.

        with Isolated() as process:
            process.call(function, argument)

    Functions and arguments must be picklable. Exceptions are raised again here; a crash of the process
    becomes a ProcessDiedError with the last line that it printed.

    python: another environment's interpreter, of the same version, whose packages come before ours; it must
    be able to import the functions.
    """

    def __init__(self, python: Path | None = None) -> None:
        self._python = python

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = Path(self._folder.name, "output.log")
        # Not fork, which would copy the native state that is to be kept apart.
        context = multiprocessing.get_context("spawn")
        self._lifeline, other_end = context.Pipe()
        initargs = (str(self._log), self._python is not None, other_end)
        with _safe_path():  # multiprocessing starts a helper process as well
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=initargs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told_to_stop = kind is not None and not issubclass(kind, Exception)
        if told_to_stop:  # by Ctrl-C or exit: nobody waits for its work
            self._lifeline.close()
        # Nor for the pool's thread, which may not have started yet: joining it would be an error.
        self._pool.shutdown(wait=not told_to_stop, cancel_futures=True)
        self._lifeline.close()
        self._folder.cleanup()

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.result(self.begin(function, *args, **kwargs))

    def begin(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Starts a call without waiting for it; `result` waits."""
        # The first call starts the process.
        with self._told_of_crashes(), _safe_path(), _interpreter(self._python):
            return self._pool.submit(function, *args, **kwargs)

    def result(self, begun: Future[T]) -> T:
        with self._told_of_crashes():
            return begun.result()

    @contextlib.contextmanager
    def _told_of_crashes(self) -> Iterator[None]:
        try:
            yield
        except BrokenProcessPool:
            words = self._log.read_text(errors="replace").split("\n") if self._log.exists() else []
            said = (line.strip() for line in reversed(words))
            last = next((line for line in said if line and not line.startswith("INFO:")), "")
            raise ProcessDiedError(
                "the process died" + (f"; its last words: {last}" if last else " without a word")
            ) from None


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Keeps Pythons started in this context from importing from the current folder, as `python -c` does."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONSAFEPATH", None)
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextlib.contextmanager
def _interpreter(python: Path | None) -> Iterator[None]:
    """Makes multiprocessing start processes with this interpreter, unless it is None."""
    before = spawn.get_executable()
    if python is not None:
        spawn.set_executable(str(python))
    try:
        yield
    finally:
        spawn.set_executable(before)


def _begin(log: str, other_environment: bool, lifeline: Connection) -> None:
    """Runs first in the new process, whose sys.path is a copy of ours even in another environment."""
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    try:
        _redirect(log)
    except FileNotFoundError:  # the folder is gone, so the parent has stopped and nobody waits
        os._exit(1)
    if other_environment:
        sys.path.insert(0, sysconfig.get_path("purelib"))


def _end_with(lifeline: Connection) -> None:
    """Ends this process when the other end of the pipe is closed, or the process that holds it is gone."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)


def _redirect(path: str) -> None:
    """Sends the process's stdout and stderr, native code's included, to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    os.close(file)
