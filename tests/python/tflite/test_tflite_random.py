"""Random graphs of operators on maps of few sizes: what takes one axis for another shows in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patternlite.tflite import load_delegate

from .builder import VALID, ModelBuilder
from .norm_cases import inverse_root
from .runtimes import Runtime
from .weights import bias_of, pattern_weights

ORDERS = ((0, 3, 1, 2), (0, 2, 3, 1), (0, 1, 3, 2), (0, 2, 1, 3))
MEANS = ((1, 2), (2, 3), (3,), (1,), (-1, -2))


class RandomGraph:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.b = ModelBuilder()
        self.batch = self.draw(1, 3)
        shape = (self.batch, *(int(self.rng.choice([4, 6])) for _ in range(3)))
        self.shape = shape
        self.maps = [self.b.input(*shape)]
        self.conv(self.maps[0])

    def draw(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def any(self) -> int:
        """The later ones are likelier."""
        return self.maps[-1 - min(self.draw(0, 4), self.draw(0, len(self.maps)), len(self.maps) - 1)]

    def like(self, x: int) -> int:
        same = [map for map in self.maps if self.b.shape(map) == self.b.shape(x)]
        return same[self.draw(0, len(same))]

    def constant(self, x: int) -> int:
        """Of one axis, or a number."""
        rank = len(self.b.shape(x))
        axis = self.draw(1, rank + 1)
        shape = [1] * rank
        if axis < rank:
            shape[axis] = self.b.shape(x)[axis]
        leading = self.draw(0, axis + 1) if axis < rank else self.draw(0, rank + 1)
        values = self.rng.uniform(0.5, 2, shape[leading:]) * self.rng.choice([-1, 1])
        return self.b.constant(values.astype(np.float32))

    def conv(self, x: int) -> int:
        channels = self.b.shape(x)[3]
        weights = pattern_weights(self.rng, int(self.rng.choice([4, 6])), 3, channels)
        return self.keep(self.b.conv(x, weights, bias_of(self.rng, weights.shape[0])))

    def keep(self, x: int) -> int:
        self.maps.append(x)
        return x

    def unary(self, x: int) -> int:
        kinds = ["RELU", "RELU6", "TANH", "LOGISTIC", "HARD_SWISH", "RELU_0_TO_1"]
        return self.keep(self.b.unary(str(self.rng.choice(kinds)), x))

    def binary(self, x: int) -> int:
        kind, other = str(self.rng.choice(["Add", "Mul", "Sub"])), self.like(x)
        if kind != "Mul" and self.draw(0, 2):
            other = self.constant(x)
        return self.keep(self.b.binary(kind, *((x, other) if self.draw(0, 2) else (other, x))))

    def transpose(self, x: int) -> int:
        return self.keep(self.b.transpose(x, *ORDERS[min(self.draw(0, 4), self.draw(0, 4))]))

    def pad(self, x: int) -> int:
        amounts = [(0, 0)] + [(self.draw(0, 2), self.draw(0, 2)) for _ in range(3)]
        amounts[self.draw(1, 4)] = (0, 0)
        if self.draw(0, 3):
            amounts[self.draw(1, 4)] = (0, 0)
        if min(self.b.shape(x)) > 1 and not self.draw(0, 3):
            return self.keep(self.b.mirror_pad(x, amounts, symmetric=bool(self.draw(0, 2))))
        return self.keep(self.b.pad(x, amounts))

    def slice(self, x: int) -> int:
        begin, size = [0] * 4, list(self.b.shape(x))
        axis = self.draw(1, 4)
        begin[axis] = self.draw(0, size[axis])
        size[axis] = self.draw(1, size[axis] - begin[axis] + 1)
        return self.keep(self.b.slice(x, begin, size))

    def concatenate(self, x: int) -> int:
        return self.keep(self.b.concatenate(x, self.like(x), axis=self.draw(1, 4)))

    def mean(self, x: int) -> int:
        made = self.b.mean(x, keep_dims=True, axes=MEANS[self.draw(0, len(MEANS))])
        kind = str(self.rng.choice(["Mul", "Add"]))
        return self.keep(self.b.binary(kind, x, made) if self.draw(0, 3) else made)

    def norm(self, x: int) -> int:
        """Sometimes by the mean of one and the variance of others."""
        axes = MEANS[self.draw(0, len(MEANS))]
        others = axes if self.draw(0, 4) else MEANS[self.draw(0, len(MEANS))]
        mean = self.b.mean(x, keep_dims=True, axes=axes)
        source = x if self.draw(0, 5) else self.like(x)
        differences = self.b.binary("Sub", source, mean)
        squares = (
            self.b.squared_difference(x, mean) if self.draw(0, 2)
            else self.b.binary("Mul", differences, differences)
        )  # fmt: skip
        return self.keep(self.b.binary("Mul", differences, inverse_root(self.b, squares, others)))

    def pool(self, x: int) -> int:
        if min(self.b.shape(x)[1:3]) < 2:
            return self.unary(x)
        return self.keep(self.b.pool(x, str(self.rng.choice(["MAX", "AVERAGE"])), 2, padding=VALID))

    def grow(self, steps: int) -> bytes:
        kinds: list[Callable[[int], int]] = [
            self.conv, self.unary, self.unary, self.binary, self.binary, self.transpose, self.transpose,
            self.transpose, self.pad, self.slice, self.concatenate, self.mean, self.norm, self.pool,
        ]  # fmt: skip
        for _ in range(steps):
            kinds[self.draw(0, len(kinds))](self.any())
        return self.b.build(self.unary(self.maps[-1]), self.conv(self.any()))


@pytest.mark.parametrize("first", range(0, 120, 10))
def test_random_graphs(first: int, litert: Runtime) -> None:
    for seed in range(first, first + 10):
        graph = RandomGraph(seed)
        model = graph.grow(graph.draw(3, 14))
        x = graph.rng.normal(size=graph.shape).astype(np.float32)
        expected = litert.run(model, [x])
        actual = litert.run(model, [x], load_delegate(force=True))
        for a, e in zip(actual, expected, strict=True):
            assert a.shape == e.shape
            scale = max(1, np.abs(e).max())
            np.testing.assert_allclose(a / scale, e / scale, rtol=0, atol=2e-4, err_msg=f"seed {seed}")
