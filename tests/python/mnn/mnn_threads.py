"""Which threads compute, told by how they round: each has a rounding mode of its own."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from mnn_sessions import Module, Session, plugin

TO_NEAREST, UPWARD = 0, 0x800  # of x86's <fenv.h>
LONG, SHORT = 120, 0.5  # seconds: to wait for what should come, and for what should not


@contextmanager
def _rounding_upward() -> Iterator[None]:
    """In this thread alone, not in those that MNN has made already."""
    set_mode = ctypes.CDLL("libm.so.6").fesetround
    assert set_mode(UPWARD) == 0
    try:
        yield
    finally:
        set_mode(TO_NEAREST)


def _upward(run: Callable[[], np.ndarray]) -> np.ndarray:
    with _rounding_upward():
        return run()


def _others_compute(run: Callable[[], np.ndarray], alone: np.ndarray, seconds: float) -> bool:
    """Whether in any run of that time; a busy machine gives other threads none in most."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not np.array_equal(_upward(run), alone):
            return True
    return False


def who_computes(path: str, x: np.ndarray) -> tuple[bool, bool, bool]:
    """Whether the mode shows; and whether threads other than the caller's compute, of one and of two."""
    one, two = (Session(path, plugin(), threads) for threads in (1, 2))
    nearest = one.run(x)
    alone = _upward(lambda: one.run(x))
    two.run(x)
    of_one = _others_compute(lambda: one.run(x), alone, SHORT)
    of_two = _others_compute(lambda: two.run(x), alone, LONG)
    return not np.array_equal(nearest, alone), of_one, of_two


def beside_other_managers(path: str, x: np.ndarray) -> tuple[bool, bool]:
    """Whether other threads compute in a module of two threads; and in one of one, when two is asked for
    later: MNN changes the number of a runtime that both share."""
    import MNN.nn as nn

    def asked(threads: int) -> object:
        return nn.create_runtime_manager(({"backend": plugin(), "numThread": threads},))

    session = Session(path, plugin())
    alone = _upward(lambda: session.run(x))
    two = Module(path, plugin(), 2)
    two.run(x)
    keep = [asked(1)]
    of_two = _others_compute(lambda: two.run(x), alone, LONG)
    one = Module(path, plugin(), 1)
    one.run(x)
    keep.append(asked(2))
    return of_two, _others_compute(lambda: one.run(x), alone, SHORT)
