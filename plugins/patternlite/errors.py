"""Errors that a user can act on: one line that says what is wrong and what to do."""

from __future__ import annotations

import importlib.util


class PatternliteError(Exception):
    """Says in one line what went wrong and how to fix it; the command line prints it without a traceback."""


class MissingPackageError(PatternliteError, ImportError):
    """Something optional is not installed; the text holds the pip command."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(what, command)  # unformatted, since exceptions are pickled by their arguments

    def __str__(self) -> str:
        what, command = self.args
        return f"{what} {'are' if ', ' in what else 'is'} not installed; run: {command}"


class Terminated(SystemExit):
    """SIGTERM has come. Of its own type, since user's code that is being called may exit as well."""


class OutputMismatchError(PatternliteError):
    """Two runs that must agree do not."""


def require_packages(extra: str, *modules: str) -> None:
    """Raises MissingPackageError, naming the modules and our `extra`, unless all are installed."""
    if missing := missing_packages(*modules):
        raise MissingPackageError(", ".join(missing), f"pip install 'patternlite[{extra}]'")


def missing_packages(*modules: str) -> list[str]:
    """Those of the modules that are not installed."""
    return [module for module in modules if importlib.util.find_spec(module) is None]


def one_line(error: BaseException) -> str:
    """The error's own text on one line, after its type's name unless that type is one meant for users."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror and error.filename:  # rather than "[Errno 30] ..."
        text = f"{error.filename}: {error.strerror}"
    if isinstance(error, PatternliteError | ValueError | OSError | RuntimeError | ImportError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
