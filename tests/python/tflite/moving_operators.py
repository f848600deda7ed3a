"""Operators that move values, or change their shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .model_file import NONE, ModelFile


class MovingOperators(ModelFile):
    def depth_to_space(self, x: int, block: int) -> int:
        options = schema.DepthToSpaceOptionsT()
        options.blockSize = block
        n, h, w, c = self.shape(x)
        shape = (n, h * block, w * block, c // block**2)
        return self._operator("DEPTH_TO_SPACE", [x], shape, "DepthToSpaceOptions", options)

    def pad(self, x: int, amounts: Sequence[tuple[int, int]], fill: float | None = None) -> int:
        """amounts: (before, after) of each axis. PADV2 when there is a fill."""
        inputs = [x, self.constant(np.array(amounts, np.int32))]
        shape = tuple(n + sum(a) for n, a in zip(self.shape(x), amounts, strict=True))
        if fill is None:
            return self._operator("PAD", inputs, shape, "PadOptions", schema.PadOptionsT())
        inputs.append(self.constant(np.array(fill, np.float32)))
        return self._operator("PADV2", inputs, shape, "PadV2Options", schema.PadV2OptionsT())

    def mirror_pad(self, x: int, amounts: Sequence[tuple[int, int]], *, symmetric: bool = False) -> int:
        options = schema.MirrorPadOptionsT()
        options.mode = schema.MirrorPadMode.SYMMETRIC if symmetric else schema.MirrorPadMode.REFLECT
        inputs = [x, self.constant(np.array(amounts, np.int32))]
        shape = tuple(n + sum(a) for n, a in zip(self.shape(x), amounts, strict=True))
        return self._operator("MIRROR_PAD", inputs, shape, "MirrorPadOptions", options)

    def split(self, x: int, parts: int, axis: int = -1) -> list[int]:
        options = schema.SplitOptionsT()
        options.numSplits = parts
        shape = list(self.shape(x))
        shape[axis] //= parts
        inputs = [self.constant(np.array(axis, np.int32)), x]
        return self._operators("SPLIT", inputs, [shape] * parts, "SplitOptions", options)

    def split_unevenly(self, x: int, *sizes: int, axis: int = -1) -> list[int]:
        """sizes: one may be -1, the rest."""
        options = schema.SplitVOptionsT()
        options.numSplits = len(sizes)
        shapes = [list(self.shape(x)) for _ in sizes]
        for shape, size in zip(shapes, sizes, strict=True):
            shape[axis] = size if size >= 0 else shape[axis] - sum(sizes) - 1
        inputs = [x, *(self.constant(np.array(n, np.int32)) for n in (sizes, axis))]
        return self._operators("SPLIT_V", inputs, shapes, "SplitVOptions", options)

    def slice(self, x: int, begin: Sequence[int], size: Sequence[int]) -> int:
        """size: -1 for all that is left."""
        rest = zip(self.shape(x), begin, size, strict=True)
        shape = [n if n >= 0 else cells - first for cells, first, n in rest]
        inputs = [x, *(self.constant(np.array(n, np.int32)) for n in (begin, size))]
        return self._operator("SLICE", inputs, shape, "SliceOptions", schema.SliceOptionsT())

    def strided_slice(self, x: int, *axes: slice, shape: Sequence[int] = (), **other: int | bool) -> int:
        """other: options besides the two masks, with which the output has some other shape."""
        options = schema.StridedSliceOptionsT()
        options.beginMask = sum((axis.start is None) << i for i, axis in enumerate(axes))
        options.endMask = sum((axis.stop is None) << i for i, axis in enumerate(axes))
        options.ellipsisMask = options.newAxisMask = options.shrinkAxisMask = 0
        for name, value in other.items():
            setattr(options, name, value)
        # What is masked may be anything.
        begin = [1 if axis.start is None else axis.start for axis in axes]
        end = [1 if axis.stop is None else axis.stop for axis in axes]
        numbers = [begin, end, [axis.step or 1 for axis in axes]]
        shape = shape or [len(range(n)[axis]) for n, axis in zip(self.shape(x), axes, strict=True)]
        inputs = [x, *(self.constant(np.array(n, np.int32)) for n in numbers)]
        return self._operator("STRIDED_SLICE", inputs, shape, "StridedSliceOptions", options)

    def reshape(self, x: int, *shape: int) -> int:
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        elements = int(np.prod(self.shape(x)))
        known = int(np.prod([n for n in shape if n > 0]))
        result = tuple(n if n > 0 else elements // known for n in shape)
        inputs = [x, self.constant(np.array(shape, np.int32))]
        return self._operator("RESHAPE", inputs, result, "ReshapeOptions", options)

    def reshape_at_run_time(self, x: int, shape: int, *expected: int) -> int:
        """shape: an int32 tensor, which makes the output a dynamic one."""
        return self._operator("RESHAPE", [x, shape], expected, "ReshapeOptions", schema.ReshapeOptionsT())

    def tile(self, x: int, *multiples: int) -> int:
        shape = np.multiply(self.shape(x), multiples).tolist()
        inputs = [x, self.constant(np.array(multiples, np.int32))]
        return self._operator("TILE", inputs, shape, "TileOptions", schema.TileOptionsT())

    def transpose(self, x: int, *order: int) -> int:
        shape = [self.shape(x)[axis] for axis in order]
        inputs = [x, self.constant(np.array(order, np.int32))]
        return self._operator("TRANSPOSE", inputs, shape, "TransposeOptions", schema.TransposeOptionsT())

    def squeeze(self, x: int, *axes: int) -> int:
        """axes: all of 1; those of rows and columns, unless given."""
        options = schema.SqueezeOptionsT()
        options.squeezeDims = list(axes or (1, 2))
        gone = [axis % 4 for axis in options.squeezeDims]
        shape = [size for axis, size in enumerate(self.shape(x)) if axis not in gone]
        return self._operator("SQUEEZE", [x], shape, "SqueezeOptions", options)

    def concatenate(self, *parts: int, axis: int = -1, activation: int = NONE) -> int:
        options = schema.ConcatenationOptionsT()
        options.axis, options.fusedActivationFunction = axis, activation
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        return self._operator("CONCATENATION", list(parts), shape, "ConcatenationOptions", options)

    def resize_nearest(self, x: int, height: int, width: int, **options: bool) -> int:
        return self.resize("NearestNeighbor", x, height, width, **options)

    def resize(
        self, kind: str, x: int, height: int, width: int, *, align_corners: bool = False,
        half_pixels: bool = False,
    ) -> int:  # fmt: skip
        """kind: "NearestNeighbor" or "Bilinear"."""
        options = getattr(schema, f"Resize{kind}OptionsT")()
        options.alignCorners, options.halfPixelCenters = align_corners, half_pixels
        n, _, _, c = self.shape(x)
        inputs, shape = [x, self.constant(np.array([height, width], np.int32))], (n, height, width, c)
        name = "RESIZE_BILINEAR" if kind == "Bilinear" else "RESIZE_NEAREST_NEIGHBOR"
        return self._operator(name, inputs, shape, f"Resize{kind}Options", options)
