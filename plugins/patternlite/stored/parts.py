"""Finds a convolution among those of a converted file, where several in a row may stand for it.

MNN stores one convolution per group, and one depthwise convolution per channel multiplier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]


def take(left: list[Bits], shape: Sequence[int], same: Callable[[Bits], Any]) -> bool:
    """Removes from `left` the first convolution of this shape that is `same`; returns whether one was.

    left: the convolutions that are left, (O, I/groups, H, W) each, in the order of the file.
    """
    filters, *rest = shape
    for start in range(len(left)):
        end, count = start, 0
        while end < len(left) and count < filters and list(left[end].shape[1:]) == rest:
            count += len(left[end])
            end += 1
        if count == filters and any(map(same, _joined(left[start:end]))):
            del left[start:end]
            return True
    return False


def _joined(parts: list[Bits]) -> Iterator[Bits]:
    """What these parts may have been: the parts one after the other, or their filters interleaved."""
    yield np.concatenate(parts)
    if len({part.shape for part in parts}) == 1 < len(parts):
        yield np.stack(parts, 1).reshape(-1, *parts[0].shape[1:])
