"""Labelled images from a folder, zip or tar laid out as `<split>/<class>/<name>.jpg`."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size with their labels.

    pixels: uint8, (N, 3, H, W), RGB.  labels: int64, (N,), an index into `classes`.
    classes: the class names, sorted.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
        """float32 (N, 3, H, W): (pixel / 255 - mean) / std, as torchvision's Normalize."""
        shape = (1, -1, 1, 1)
        mean_, std_ = (np.asarray(v, np.float32).reshape(shape) for v in (mean, std))
        return (self.pixels.astype(np.float32) / 255.0 - mean_) / std_


def read_images(source: Path | str, split: str) -> LabelledImages:
    """Reads `<split>/<class>/*` from a folder, zip or tar (any compression).

    Raises ValueError, naming the layout expected, when nothing is found there.
    """
    source = Path(source)
    if not source.exists():
        raise ValueError(f"{source} does not exist: give a folder, zip or tar of <split>/<class>/*.jpg")
    entries = sorted(_entries_of(source, split))
    if not entries:
        raise ValueError(f"{source} holds no images under {split}/<class>/*.jpg")
    classes = tuple(sorted({name for name, _, _ in entries}))
    index = {name: i for i, name in enumerate(classes)}
    pixels = np.stack([_decode(data) for _, _, data in entries])
    labels = np.array([index[name] for name, _, _ in entries], np.int64)
    return LabelledImages(pixels, labels, classes)


def _decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.uint8).transpose(2, 0, 1)


def _entries_of(source: Path, split: str) -> Iterator[tuple[str, str, bytes]]:
    """(class, file name, bytes) of every image of the split, in no given order."""
    for path, data in _files_of(source):
        parts = path.parts
        if len(parts) >= 3 and parts[-3] == split and path.suffix.lower() in _IMAGE_SUFFIXES:
            yield parts[-2], parts[-1], data()


def _files_of(source: Path):
    if source.is_dir():
        for path in source.rglob("*"):
            if path.is_file():
                yield PurePosixPath(path.relative_to(source).as_posix()), path.read_bytes
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                yield PurePosixPath(name), lambda name=name: archive.read(name)
    elif tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile():
                    yield PurePosixPath(member.name), lambda m=member: archive.extractfile(m).read()
    else:
        raise ValueError(f"{source} is neither a folder, a zip nor a tar file")
