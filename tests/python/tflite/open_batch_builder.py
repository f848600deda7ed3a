"""Builder of models that compute shapes as they run, as TensorFlow's converter has them of an open batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .builder import ModelBuilder


class OpenBatchBuilder(ModelBuilder):
    def size_of(self, x: int, axis: int = 0) -> int:
        """SHAPE, and STRIDED_SLICE of one of its numbers."""
        options = schema.ShapeOptionsT()
        options.outType = schema.TensorType.INT32
        shape = self._operator("SHAPE", [x], [len(self.shape(x))], "ShapeOptions", options, np.int32)
        cut = schema.StridedSliceOptionsT()
        cut.beginMask = cut.endMask = cut.ellipsisMask = cut.newAxisMask = 0
        cut.shrinkAxisMask = 1
        numbers = [self._constant(np.array([n], np.int32)) for n in (axis, axis + 1, 1)]
        return self._operator("STRIDED_SLICE", [shape, *numbers], [], "StridedSliceOptions", cut, np.int32)

    def pack(self, first: int, *rest: int) -> int:
        """first: a tensor; rest: numbers."""
        options = schema.PackOptionsT()
        options.valuesCount, options.axis = 1 + len(rest), 0
        inputs = [first, *(self._constant(np.array(n, np.int32)) for n in rest)]
        return self._operator("PACK", inputs, [len(inputs)], "PackOptions", options, np.int32)

    def keras_reshape(self, x: int, *shape: int) -> int:
        """shape: of an image."""
        packed = self.pack(self.size_of(x), *shape)
        return self.reshape_at_run_time(x, packed, self.shape(x)[0], *shape)

    def keras_transpose_conv(self, x: int, weights: np.ndarray, bias: np.ndarray, **options: Any) -> int:
        _, h, w, _ = self.shape(x)
        packed = self.pack(self.size_of(x), 2 * h, 2 * w, len(weights))
        y = self.transpose_conv(x, weights, bias, **options)
        self._graph.operators[-1].inputs[0] = packed
        return y
