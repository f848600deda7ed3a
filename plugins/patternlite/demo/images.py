"""Labelled images from a folder, zip or tar laid out as `<split>/<class>/<name>.jpg`."""

from __future__ import annotations

import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
_MODES = {1: "L", 3: "RGB"}  # Pillow's, by channels


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size with their labels.

    pixels: uint8, (N, 3, H, W), RGB, or (N, 1, H, W), grey.  labels: int64, (N,), an index into `classes`.
    classes: the class names, sorted.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
        """float32, as the pixels: (pixel / 255 - mean) / std, as torchvision's Normalize."""
        shape = (1, -1, 1, 1)
        mean_, std_ = (np.asarray(v, np.float32).reshape(shape) for v in (mean, std))
        return (self.pixels.astype(np.float32) / 255.0 - mean_) / std_


def read_images(source: Path | str, split: str, channels: int = 3) -> LabelledImages:
    """Reads `<split>/<class>/*` from a folder, zip or tar (any compression); with 1 channel as grey.

    Raises ValueError, naming the layout expected, when nothing is found there, the class when none of its
    files is an image, and the file when one cannot be decoded.
    """
    if channels not in _MODES:
        raise ValueError(f"images have 1 or 3 channels, mean and std have {channels}")
    entries = read_entries(source, split)
    classes = tuple(sorted({name for name, _, _ in entries}))
    index = {name: i for i, name in enumerate(classes)}
    mode = _MODES[channels]
    pixels = [_decode(data, f"{split}/{name}/{file_name}", mode) for name, file_name, data in entries]
    sizes = {image.shape[1:] for image in pixels}
    if len(sizes) > 1:
        raise ValueError(
            f"{source} holds images of {len(sizes)} sizes, {sorted(sizes)[:3]}: resize them first"
        )
    labels = np.array([index[name] for name, _, _ in entries], np.int64)
    return LabelledImages(np.stack(pixels), labels, classes)


def read_entries(source: Path | str, split: str) -> list[tuple[str, str, bytes]]:
    """(class, file name, undecoded bytes) of every image of the split, sorted."""
    source = Path(source)
    if not source.exists():
        raise ValueError(f"{source} does not exist: give a folder, zip or tar of <split>/<class>/*.jpg")
    try:
        return _entries(source, split)
    except (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ValueError(f"{source} is damaged ({error}): copy it again") from error


def _entries(source: Path, split: str) -> list[tuple[str, str, bytes]]:
    entries, folders = [], set()
    for path, data in _files_of(source):
        if any(part.startswith((".", "__MACOSX")) for part in path.parts):
            continue  # what systems keep beside a user's files
        if path.parts[-3:-2] == (split,):
            folders.add(path.parts[-2])
            if path.suffix.lower() in _IMAGE_SUFFIXES:
                entries.append((path.parts[-2], path.parts[-1], data()))
    if not entries:
        raise ValueError(f"{source} holds no images under {split}/<class>/*.jpg")
    if unread := sorted(folders - {name for name, _, _ in entries}):
        raise ValueError(
            f"{source}: none of the files of {split}/{unread[0]} is an image "
            f"({', '.join(sorted(_IMAGE_SUFFIXES))}); convert them, or remove the folder"
        )
    return sorted(entries)


def _decode(data: bytes, name: str, mode: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode[0] in "IF":  # Pillow would clip them
                raise ValueError(f"{name} has more than 8 bits for a pixel's value: save it with 8")
            pixels = np.asarray(image.convert(mode), np.uint8)
            return pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
    except (OSError, SyntaxError) as error:  # what Pillow raises for broken files
        raise ValueError(f"{name} is not a readable image; replace or remove it") from error


def _files_of(source: Path) -> Iterator[tuple[PurePosixPath, Callable[[], bytes]]]:
    """(path inside the source, a reader of its bytes); each reader is called before the next is asked for."""
    if source.is_dir():
        for folder, _, names in os.walk(source, followlinks=True):  # subsets are made of links to folders
            for path in (Path(folder, name) for name in names):
                if path.is_file():
                    yield PurePosixPath(path.relative_to(source).as_posix()), path.read_bytes
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                yield PurePosixPath(name), partial(archive.read, name)
    elif tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile():
                    yield PurePosixPath(member.name), partial(_read_member, archive, member)
    else:
        raise ValueError(f"{source} is neither a folder, a zip nor a tar file")


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None  # only regular files are asked for
    return file.read()
