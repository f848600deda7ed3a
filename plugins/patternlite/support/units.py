"""Large numbers, formatted for people."""

from __future__ import annotations


def count(value: float) -> str:
    """1234567 -> "1.23 M"."""
    for unit in ("", " K", " M"):
        if abs(value) < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} G"
