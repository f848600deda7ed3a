"""Measures runtimes side by side; without a command, the published set. Run it from the project's root."""

from __future__ import annotations

import argparse
import os
import sys

from patternlite.errors import PatternliteError, one_line

from .commands import COMMANDS


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="For a model file of your own: patternlite bench MODEL.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    words = sys.argv[1:]
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["published", *words]
    args = parser.parse_args(words)
    try:
        args.run(args)
    except (PatternliteError, ValueError, OSError) as error:
        if os.environ.get("PATTERNLITE_DEBUG"):
            raise
        sys.exit(f"error: {one_line(error)}")


if __name__ == "__main__":
    main()
