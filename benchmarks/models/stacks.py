"""Several convolutions of one shape in one model: the time of one follows from two models' difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stack:
    """With stride 1, convolutions one after the other, each with ReLU; if the numbers of filters and channels
    differ, `depth` pairs, there and back. With stride 2, `depth` convolutions of the same map, added up.

    size: of the output map.  depthwise: as many filters as channels, each on one channel.
    """

    kernel: int
    channels: int
    filters: int
    size: int
    stride: int = 1
    depth: int = 1
    depthwise: bool = False

    def __str__(self) -> str:
        kind = "depthwise" if self.depthwise else "conv"
        shape = f"{kind}{self.kernel}x{self.kernel}s{self.stride}-{self.channels}-{self.filters}"
        return f"{shape}-{self.size}-x{self.depth}"

    @property
    def convolutions(self) -> int:
        """The number of convolutions in each step of depth."""
        return 2 if self.stride == 1 and self.filters != self.channels else 1

    def build(self, keras: Any) -> Any:
        """keras: tf.keras.layers."""
        from tensorflow.keras import Model

        side = self.size * self.stride
        image = keras.Input((side, side, self.channels))
        if self.stride > 1:
            padded = keras.ZeroPadding2D(self.kernel // 2)(image) if self.kernel > 1 else image
            y = self._conv(keras, padded, self.filters, "valid")
            for _ in range(self.depth - 1):
                y = keras.Add()([self._conv(keras, padded, self.filters, "valid"), y])
            return Model(image, y)
        y = image
        there_and_back = (self.filters, self.channels)
        for filters in self.depth * there_and_back[: self.convolutions]:
            y = self._conv(keras, y, filters, "same", activation="relu")
        return Model(image, y)

    def _conv(self, keras: Any, x: Any, filters: int, padding: str, **options: Any) -> Any:
        if self.depthwise:
            return keras.DepthwiseConv2D(self.kernel, self.stride, padding, **options)(x)
        return keras.Conv2D(filters, self.kernel, self.stride, padding, **options)(x)
