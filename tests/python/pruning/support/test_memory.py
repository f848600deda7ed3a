"""Freed memory goes back to the system."""

from __future__ import annotations

import ctypes
import sys

import pytest

from patternlite.pruning.support import memory


def resident() -> int:
    """Bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_was_freed_goes_back_to_the_system():
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        pytest.skip("not glibc: it may give memory back by itself, or never")
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    blocks = [libc.malloc(1 << 16) for _ in range(2048)]  # too small to be mapped one by one
    last = libc.malloc(1 << 16)  # holds the heap's end
    for block in blocks:
        libc.memset(block, 1, 1 << 16)
        libc.free(block)
    kept = resident()
    memory.give_back()
    libc.free(last)
    assert resident() < kept - (1 << 26)
