"""Weights are packed once for each size, and again only for one that is neither of the last two."""

from __future__ import annotations

import ast
import ctypes
import shutil
import sys
from pathlib import Path

import mnn_runs
import numpy as np
import pytest
from mnn_runs import error

from tests.python.preloaded import last_line

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or not hasattr(ctypes.CDLL(None), "__libc_malloc"),
    reason="needs a C compiler and glibc",
)

DENSE = 3 * 256 * 256 * 9 * 4  # bytes of the weights of "wide", which packing makes dense


def packs(path: str, shapes: list[tuple[int, ...]], folder: Path) -> list[bool]:
    """Whether a session that is given these shapes in turn packs its weights; its file has another."""

    def measuring(counter: str) -> str:
        return f"""
import sys; sys.path[:0] = {sys.path!r}
import ctypes, mnn_sessions, numpy as np
asked = ctypes.CDLL({counter!r}).bytes_asked
asked.restype = ctypes.c_size_t
session = mnn_sessions.Session({path!r}, mnn_sessions.plugin())
grown = []
for x in [np.zeros(shape, np.float32) for shape in {shapes!r}]:
    before = asked()
    session.set_input(x)
    grown.append(asked() - before)
print(grown)
"""

    grown = last_line(measuring, Path(__file__).with_name("counted_memory.c"), folder)
    return [bytes_asked >= DENSE for bytes_asked in ast.literal_eval(grown)]


def test_batches_share_packings(models, tmp_path):
    shapes = [(n, 256, 14, 14) for n in (2, 1, 3)]
    assert packs(models("wide").path, shapes, tmp_path) == [False] * 3


def test_last_two_sizes_are_kept(models, tmp_path):
    shapes = [(1, 256, size, size) for size in (20, 14, 20, 26, 20, 14)]
    assert packs(models("wide").path, shapes, tmp_path) == [True, False, False, True, False, True]


def test_a_size_is_kept_once(models, tmp_path):
    """Though batches of two and of one have been run of it."""
    shapes = [(n, 256, size, size) for n, size in ((1, 20), (1, 14), (2, 14), (1, 20))]
    assert packs(models("wide").path, shapes, tmp_path) == [True, False, False, False]


def test_packings_are_of_one_activation(models, process):
    """Where the batch is of one image, a sum and its ReLU are part of a convolution."""
    model = models("sum-over-images")
    x = [model.x, model.x[:1], model.x]
    for some, fused in ((x[:1], 0), (x[:2], 1), (x, 0)):
        actual, stats = process.call(mnn_runs.planned, model.path, 1, *some)
        assert stats.fused_additions == fused
        for outputs, expected in zip(actual, process.call(mnn_runs.stock, model.path, *some), strict=True):
            (output,) = outputs.values()
            assert error(output, expected) < 1e-4


def test_what_is_kept_is_counted(models, process):
    model = models("wide")
    x = [np.zeros((1, 256, size, size), np.float32) for size in (14, 20, 14)]
    one, two, again = (process.call(weight_bytes, model.path, x[:n]) for n in (1, 2, 3))
    assert 1.5 * one < two == again


def weight_bytes(path: str, inputs: list[np.ndarray]) -> int:
    from mnn_sessions import Session, plugin

    session = Session(path, plugin())
    for x in inputs:
        session.run(x)
    return session.stats().weight_bytes
