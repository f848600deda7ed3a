"""`python -m patternlite`, which is also what torchrun can start."""

from __future__ import annotations

from .commands.cli import main

main()
