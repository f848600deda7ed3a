"""Gives freed memory back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Makes glibc release what threads have freed, gigabytes for a large network; a no-op without glibc."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
