"""Checked paths, and writing a file so that it appears either complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from patternlite.errors import PatternliteError
from patternlite.support.files import require_file, require_utf8

from .result import ConversionError

_FULL_BYTES = 1 << 20  # with less than this left, a failed converter has most likely run out of space


def source_file(path: str | os.PathLike[str], *suffixes: str) -> Path:
    """The absolute path of an existing model file with one of the suffixes.

    Raises:
        ConversionError: wrong suffix, or no such file.
    """
    source = Path(path).absolute()
    if source.suffix not in suffixes:
        raise ConversionError(f"{source} is not a {' or '.join(suffixes)} file")
    _checked(require_file, source)
    return source


def target_file(path: str | os.PathLike[str], suffix: str) -> Path:
    """The absolute path of a file to write, which must have the suffix and lie in an existing folder.

    Raises:
        ConversionError: wrong suffix, no such folder, the path is itself a folder, or it is not UTF-8.
    """
    target = Path(path).absolute()
    _checked(require_utf8, target)
    if target.suffix != suffix:
        raise ConversionError(f"{target} must end in {suffix}")
    if not target.parent.is_dir():
        raise ConversionError(f"the folder {target.parent} does not exist: create it first")
    if target.is_dir():
        raise ConversionError(f"{target} is a folder")
    return target


def _checked(check: Callable[[Path], None], path: Path) -> None:
    try:
        check(path)
    except PatternliteError as error:
        raise ConversionError(str(error)) from None


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yields a path to write to in a temporary folder beside `target`; moves the file there at the end.

    Everything else in that folder is deleted. After an error the target is as it was before.

    Raises:
        ConversionError: the folder cannot be written, or its disk is full.
    """
    try:
        with tempfile.TemporaryDirectory(
            prefix=f".{target.stem}-", dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            work = Path(folder) / target.name
            try:
                yield work
            except ConversionError as error:
                # A converter in a child process reports a full disk in its own words, or not at all.
                if shutil.disk_usage(folder).free < _FULL_BYTES:
                    raise _disk_full(target) from error
                raise
            os.replace(work, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(target) from error
        raise ConversionError(
            f"cannot write {target}: {error.strerror or error}; give another folder"
        ) from error


def _disk_full(target: Path) -> ConversionError:
    return ConversionError(f"cannot write {target}: the disk is full; free some space and convert again")
