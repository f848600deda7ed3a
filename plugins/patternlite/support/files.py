"""Checks of paths before long work, and files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..errors import PatternliteError


def require_file(path: str | os.PathLike[str]) -> None:
    """PatternliteError unless there is a file at `path`, with a name that runtimes can open."""
    path = Path(path)
    require_utf8(path)
    if path.is_dir():
        raise PatternliteError(f"{path} is a folder; give a file")
    if not path.is_file():
        raise PatternliteError(f"{path} does not exist")


def require_target(path: Path) -> None:
    """PatternliteError unless `path` can become a file; folders on the way may be missing."""
    require_utf8(path)
    if path.is_dir():
        raise PatternliteError(f"{path} is a folder; give a file to write")
    require_target_folder(path.parent)


def require_targets(targets: Iterable[Path], sources: Iterable[Path]) -> None:
    """`require_target` for each; PatternliteError if one of them is also a source."""
    read = {path.resolve(): path for path in sources}
    for target in targets:
        require_target(target)
        if source := read.get(target.resolve()):
            raise PatternliteError(f"{target} would be written over {source}: give another output")


def require_target_folder(path: Path) -> None:
    """PatternliteError unless `path` is a folder or can become one."""
    require_utf8(path)
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise PatternliteError(f"{part} is a file; give another folder to write to")


def make_folder(path: Path) -> None:
    """Makes the folder and its parents if missing; PatternliteError if no file can be written to it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise PatternliteError(
            f"nothing can be written to {path} ({error.strerror}): give another folder"
        ) from error


def require_utf8(path: Path) -> None:
    """PatternliteError for a path that is not UTF-8: runtimes and converters take paths as text."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        raise PatternliteError(f"the path {shown} is not UTF-8, which the runtimes need: rename it") from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a temporary file beside `path` and renames it, so that nobody ever sees half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(beside, path)
    except OSError as error:  # names the temporary file, or none at all if the disk is full
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"{error.strerror}: free some space and run it again" if full else error.strerror
        raise OSError(error.errno, what, str(path)) from error
    finally:
        with contextlib.suppress(OSError):  # on a read-only disk, the error above says more
            beside.unlink(missing_ok=True)
