"""Just enough of flatbuffers to read .tflite and .mnn files (https://flatbuffers.dev/internals)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Table:
    """A table in `data`, whose fields are numbered as in the schema.

    Reading a damaged file raises struct.error, IndexError or ValueError.
    """

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        self._vtable = position - struct.unpack_from("<i", data, position)[0]

    @classmethod
    def root(cls, data: bytes) -> Table:
        return cls(data, _follow(data, 0))

    def scalar(self, number: int, kind: str, default: int) -> int:
        """kind: a format character of the struct module, such as "i"."""
        at = self._field(number)
        return int(struct.unpack_from("<" + kind, self._data, at)[0]) if at else default

    def table(self, number: int) -> Table:
        if not (at := self._field(number)):
            raise ValueError(f"table field {number} is missing")
        return Table(self._data, _follow(self._data, at))

    def tables(self, number: int) -> Iterator[Table]:
        """The elements of a vector of tables."""
        start, length = self._vector(number)
        for i in range(length):
            yield Table(self._data, _follow(self._data, start + 4 * i))

    def array(self, number: int, dtype: DTypeLike) -> NDArray:
        """A view of a vector of scalars; empty if the field is absent."""
        start, length = self._vector(number)
        return np.frombuffer(self._data, dtype, length, start)

    def text(self, number: int) -> str:
        return self.array(number, np.uint8).tobytes().decode(errors="replace")

    def _field(self, number: int) -> int:
        """Position of a field, or 0 if it is absent."""
        slot = 4 + 2 * number
        if slot >= struct.unpack_from("<H", self._data, self._vtable)[0]:
            return 0
        offset = struct.unpack_from("<H", self._data, self._vtable + slot)[0]
        return self._position + offset if offset else 0

    def _vector(self, number: int) -> tuple[int, int]:
        """Position of the first element, and length."""
        if not (at := self._field(number)):
            return 0, 0
        start = _follow(self._data, at)
        return start + 4, struct.unpack_from("<I", self._data, start)[0]


def _follow(data: bytes, position: int) -> int:
    return position + int(struct.unpack_from("<I", data, position)[0])
