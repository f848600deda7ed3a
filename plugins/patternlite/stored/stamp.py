"""The stamp of the masks: which weights pruning left, in a form that survives every conversion.

A mask's digest is computed from its shape (O, I/groups, H, W) and its bits, and a model's from the sorted
digests of its layers. Names and the order of layers are left out, since every format has its own, and so are
layers that were not pruned. Retraining under the masks keeps every bit, and so does folding a batch
normalisation: where its scale is 0, pruning has removed the filter.

A file carries the stamp as JSON under `KEY`: in ONNX's metadata_props, in a TFLite metadata buffer, or in the
bizCode of an MNN file, which runtimes pass on but do not read.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .flatbuffer import Table
from .parts import Bits, take
from .weights import stored_weights

KEY = "patternlite.masks"
_VERSION = 1
_UNREADABLE = (struct.error, ValueError, KeyError, TypeError, IndexError)  # of strange or damaged files


@dataclass(frozen=True, order=True)
class LayerStamp:
    """shape: the mask's, (O, I/groups, H, W).  kept: number of weights that stay.  digest: 16 hex digits."""

    shape: tuple[int, ...]
    kept: int
    digest: str

    @classmethod
    def of(cls, mask: Bits) -> LayerStamp:
        """mask: bool, True where a weight stays."""
        bits = np.packbits(np.ascontiguousarray(mask))
        digest = hashlib.sha256(f"{mask.shape}\0".encode() + bits.tobytes()).hexdigest()
        return cls(mask.shape, int(mask.sum()), digest[:16])

    def is_of(self, mask: Bits) -> bool:
        return self == LayerStamp.of(mask)


@dataclass(frozen=True)
class Stamp:
    """The masks of a model; their order does not matter."""

    layers: tuple[LayerStamp, ...]

    @classmethod
    def of(cls, masks: Iterable[Bits]) -> Stamp:
        return cls(tuple(sorted(LayerStamp.of(mask) for mask in masks)))

    @property
    def digest(self) -> str:
        """sha256, the same for the same masks on any machine and in any format."""
        lines = (f"{layer.shape} {layer.kept} {layer.digest}\n" for layer in self.layers)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def to_json(self) -> str:
        layers = [[list(layer.shape), layer.kept, layer.digest] for layer in self.layers]
        content = {KEY: _VERSION, "digest": self.digest, "layers": layers}
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Stamp:
        """Raises ValueError, KeyError or TypeError for anything that `to_json` did not write."""
        content = json.loads(text)
        if content[KEY] != _VERSION:
            raise ValueError(f"version {content[KEY]} of the stamp is not known")
        layers = (LayerStamp(tuple(shape), kept, digest) for shape, kept, digest in content["layers"])
        stamp = cls(tuple(sorted(layers)))
        if stamp.digest != content["digest"]:
            raise ValueError("the stamp is damaged: its digest is not that of its layers")
        return stamp


@dataclass(frozen=True)
class MaskCheck:
    """Whether the zeros of a file are those of the masks it was made with; `str()` says it in a line.

    state: "none" if the file carries no stamp; "damaged" if the stamp cannot be read; "unread" if the zeros
        may be right, since the ones not found may belong to convolutions that could not be read.
    digest: the one that the file carries.
    layers: pruned layers.  lost, extra: how many of them have fewer, or more, zeros than their mask.
    unread: convolutions whose weights are stored in a form that is not read here, such as int8.
    """

    state: Literal["matches", "differs", "unread", "damaged", "none"]
    digest: str | None = None
    layers: int = 0
    lost: int = 0
    extra: int = 0
    unread: int = 0

    @property
    def refuted(self) -> bool:
        """Whether the file is not what it claims to be: its zeros or its stamp were changed."""
        return self.state in ("differs", "damaged")

    def __str__(self) -> str:
        if self.state == "none":
            return "mask hash: none carried"
        if self.state == "damaged":
            return "mask hash: damaged, so that it proves nothing; export the model again"
        if self.state == "matches":
            return f"mask hash matches: {self.digest}, the zeros of all {self.layers} pruned layers"
        if self.state == "unread":
            stored = (
                "1 convolution stores its" if self.unread == 1 else f"{self.unread} convolutions store their"
            )
            return (
                f"mask hash not checked: {stored} weights in a form whose zeros are not read here; "
                "check the file before that conversion"
            )
        missing = self.layers if not (self.lost or self.extra) else self.lost
        parts = [f"{missing} have lost zeros or are not there"] if missing else []
        parts += [f"{self.extra} have more zeros than their mask"] if self.extra else []
        return f"mask hash does not match: of {self.layers} pruned layers {' and '.join(parts)}"


def check_masks(path: Path) -> MaskCheck:
    """Compares the zeros in a .tflite or .mnn file with the stamp it carries.

    Additional zeros are a difference, too: a digest cannot tell them from moved ones. They arise when weights
    are rounded, for example to fp16.
    """
    data = path.read_bytes()
    stamp = read_stamp(data, path.suffix)
    if stamp is None:
        return MaskCheck("damaged" if KEY.encode() in data else "none")
    try:
        stored = list(stored_weights(data, path.suffix))
    except _UNREADABLE:
        stored = []
    left = [weights != 0 for weights in stored if weights is not None]
    unread = len(stored) - len(left)
    missing = [layer for layer in stamp.layers if not take(left, layer.shape, layer.is_of)]
    if not missing:
        return MaskCheck("matches", stamp.digest, len(stamp.layers))
    if len(missing) <= unread:
        return MaskCheck("unread", stamp.digest, len(stamp.layers), unread=unread)
    extra = sum(_has_more_zeros(left, layer) for layer in missing)
    return MaskCheck("differs", stamp.digest, len(stamp.layers), len(missing) - extra, extra)


def read_stamp(data: bytes, suffix: str) -> Stamp | None:
    """The stamp in the content of a .tflite or .mnn file; None if there is none, or it cannot be read."""
    try:
        model: Any = Table.root(data)
        if suffix == ".mnn":
            return Stamp.from_json(model.text(0))  # Net.bizCode
        buffers = list(model.tables(4))
        for entry in model.tables(6):  # Model.metadata
            if entry.text(0) == KEY:
                return Stamp.from_json(buffers[entry.scalar(1, "I", 0)].text(0))
    except _UNREADABLE:
        pass
    return None


def _has_more_zeros(left: list[Bits], layer: LayerStamp) -> bool:
    """Whether a layer of this shape with fewer weights is left; removes it."""
    for i, kept in enumerate(left):
        if kept.shape == layer.shape and int(kept.sum()) < layer.kept:
            del left[i]
            return True
    return False
