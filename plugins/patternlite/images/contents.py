"""What is inside a folder, zip or tar: every file, or an error that names the fix."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath

from ..errors import PatternliteError

_SYSTEMS = (".", "__MACOSX")  # what the names of an operating system's own files begin with
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
_CHUNK = 1 << 20

Found = tuple[PurePosixPath, Callable[[], bytes]]


def files_in(source: Path) -> Iterator[Found]:
    """Yields (path inside the source, a reader of its bytes). Call a reader before asking for the next one.

    Links are followed. To be used inside `with reading(source)`.
    """
    if source.is_dir():
        found = _in_folder(source)
    elif zipfile.is_zipfile(source):
        found = _in_zip(source)
    elif tarfile.is_tarfile(source):
        found = _in_tar(source)
    else:
        raise ValueError(f"{source} is neither a folder, a zip nor a tar file, or it is damaged")
    for path, read in found:
        if not any(part.startswith(_SYSTEMS) for part in path.parts):
            yield path, read


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Turns the errors that libraries raise about an archive into ValueErrors that name it and the fix."""
    try:
        yield
    except _DAMAGED as error:
        raise ValueError(f"{source} is damaged ({error}): copy it again") from error
    except RuntimeError as error:  # a zip with a password, or of a compression that Python does not know
        raise ValueError(f"{source} cannot be read ({error}): unpack it, and give the folder") from error
    except OSError as error:
        if error.errno is not None:  # the system's own; bz2 raises OSErrors without a number
            raise
        raise ValueError(f"{source} is damaged ({error}): copy it again") from error


def _in_folder(source: Path) -> Iterator[Found]:
    for path in _walk(source, frozenset()):
        yield PurePosixPath(path.relative_to(source).as_posix()), path.read_bytes


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Files in the folder and below. Links to folders are followed, since people make subsets of them, but
    not back to a folder `above`: "latest -> ." would never end.
    """
    above |= {folder.resolve()}
    try:
        inside = list(folder.iterdir())
    except OSError as error:
        raise PatternliteError(
            f"{folder} cannot be listed ({error.strerror}): make it readable, or move it away"
        ) from error
    for path in inside:
        if path.name.startswith(_SYSTEMS):
            continue  # before looking into it: nobody may be allowed to
        if path.is_dir():
            if path.resolve() not in above:
                yield from _walk(path, above)
        elif path.is_file() or path.is_symlink():  # reading a broken link is an error, so it is not skipped
            yield path


def _in_zip(source: Path) -> Iterator[Found]:
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            path = name.replace("\\", "/")  # as programs for Windows write it
            yield PurePosixPath(path), partial(archive.read, name)


def _in_tar(source: Path) -> Iterator[Found]:
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isfile() or member.islnk() or member.issym():
                yield PurePosixPath(member.name), partial(_read_member, source, archive, member)
        _require_end(archive)


def _read_member(source: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = None
    with suppress(KeyError):
        file = archive.extractfile(member)
    if file is None:
        raise ValueError(
            f"{source}: {member.name} is a link to {member.linkname}, which is no file in it: pack the "
            "files themselves (tar --dereference)"
        )
    return file.read()


def _require_end(archive: tarfile.TarFile) -> None:
    """Raises ReadError unless the archive really ends here, in a block of zeros or in nothing.

    tarfile takes half a header, or a broken one, for the end.
    """
    file = archive.fileobj
    assert file is not None  # it is open
    file.seek(archive.offset)
    if any(file.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"no header at byte {archive.offset}")
    while file.read(_CHUNK):  # to the very end, where a compressed archive has its checksum
        pass
