"""Builders of models that store weights in other forms than float32."""

from __future__ import annotations

import numpy as np

from .builder import ModelBuilder


class Float16Builder(ModelBuilder):
    """Stores weights and biases as float16, as TFLite's converter does."""

    def constant(self, array: np.ndarray) -> int:
        if array.dtype != np.float32 or array.ndim == 0:
            return self._constant(array)
        return self.dequantize(self._constant(array.astype(np.float16)))


class SparseBuilder(ModelBuilder):
    """Stores weights without their zeros."""

    def constant(self, array: np.ndarray) -> int:
        if array.dtype != np.float32 or array.ndim < 2:
            return self._constant(array)
        return self.densify(self.sparse_constant(array))


class SparseFloat16Builder(ModelBuilder):
    """Both."""

    def constant(self, array: np.ndarray) -> int:
        if array.dtype != np.float32 or array.ndim < 2:
            return self._constant(array)
        sparse = self.sparse_constant(array.astype(np.float16))
        return self.dequantize(self.densify(sparse, np.float16))


class RoundedBuilder(ModelBuilder):
    """Weights, not biases, that float16 holds exactly, stored as float32."""

    def constant(self, array: np.ndarray) -> int:
        rounds = array.dtype == np.float32 and array.ndim >= 2
        return self._constant(array.astype(np.float16).astype(np.float32) if rounds else array)
