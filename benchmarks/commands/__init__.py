"""The commands of `python -m benchmarks`, one module each: `add` declares its options, `run` runs it.

Nothing is computed here.
"""

from __future__ import annotations

from . import accuracy, instructions, layers, nets, published, report, rivals, tune

COMMANDS = (published, report, rivals, tune, instructions, nets, layers, accuracy)
