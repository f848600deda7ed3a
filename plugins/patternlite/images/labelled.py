"""Labelled images from a folder, zip or tar laid out as `<split>/<class>/<name>.jpg`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .contents import files_in, reading

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
_MOST_NAMED = 10  # files that cannot be decoded, in one error
_MODES = {1: "L", 3: "RGB"}  # channels -> Pillow's mode


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size with their labels.

    pixels: uint8, (N, 3, H, W), RGB, or (N, 1, H, W), grey.  labels: int64, (N,), an index into `classes`.
    classes: the class names, sorted as text ("10" before "2"), as torchvision's ImageFolder sorts them.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
        """float32 in the shape of `pixels`: (pixel / 255 - mean) / std, as torchvision's Normalize."""
        shape = (1, -1, 1, 1)
        mean_, std_ = (np.asarray(v, np.float32).reshape(shape) for v in (mean, std))
        return (self.pixels.astype(np.float32) / 255.0 - mean_) / std_


def read_images(source: Path | str, split: str, channels: int = 3) -> LabelledImages:
    """Reads `<split>/<class>/*` from a folder, zip or tar (of any compression); grey if channels is 1.

    Raises ValueError when nothing is found there, naming the expected layout, when none of a class's files is
    an image, and when files cannot be decoded, naming up to ten; PatternliteError when a folder cannot be
    listed.
    """
    if channels not in _MODES:
        raise ValueError(f"images have 1 or 3 channels, mean and std have {channels}")
    entries = read_entries(source, split)
    classes = tuple(sorted({name for name, _, _ in entries}))
    index = {name: i for i, name in enumerate(classes)}
    mode = _MODES[channels]
    pixels, wrong = [], []
    for name, file_name, data in entries:
        try:
            pixels.append(_decode(data, f"{split}/{name}/{file_name}", mode))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        more = f"; and {len(wrong) - _MOST_NAMED} more of {len(entries)}" if len(wrong) > _MOST_NAMED else ""
        raise ValueError("; ".join(wrong[:_MOST_NAMED]) + more)
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
    with reading(source):
        return _entries(source, split)


def _entries(source: Path, split: str) -> list[tuple[str, str, bytes]]:
    entries, folders = [], set()
    for path, data in files_in(source):
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
            deep = image.mode[0] in "IF"  # Pillow would clip them
            pixels = np.asarray(image if deep else image.convert(mode))
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name} has more pixels than an image should: resize it") from error
    except Exception as error:  # Pillow raises errors of many types
        raise ValueError(f"{name} is not a readable image; replace or remove it") from error
    if deep:
        raise ValueError(f"{name} has more than 8 bits for a pixel's value: save it with 8")
    return pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
