"""What several commands share: options, where results go, the console."""

from __future__ import annotations

import argparse
import datetime
import itertools
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from patternlite.errors import PatternliteError

if TYPE_CHECKING:
    from ..latency.results import NetReport
    from ..results import Report

_HERE = Path(__file__).parents[1]
PLANS, RESULTS = _HERE / "plans", _HERE / "results"

# Tables written to a file or a pipe may be wide.
console = Console(width=None if sys.stdout.isatty() else 220)


def add_chosen_nets(command: argparse.ArgumentParser) -> None:
    command.add_argument("--net", nargs="+", default=[], help="only these networks")
    command.add_argument("--structure", nargs="+", default=[], help="only these structures")
    command.add_argument("--threads", nargs="+", type=threads, default=[1, 2])


def threads(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of threads, 1 or more")
    return value


def some_seconds(text: str) -> float:
    if not 0 < (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def add_protocol(command: argparse.ArgumentParser, seconds: float, per: str) -> None:
    command.add_argument(
        "--seconds", type=some_seconds, default=seconds, help=f"for each {per} ({seconds:g})"
    )
    command.add_argument(
        "--cpu-time",
        dest="clock",
        action="store_const",
        const="cpu",
        default="wall",
        help="count CPU time instead of wall time, if other programs use the cores; 1 thread only",
    )


def add_files(command: argparse.ArgumentParser, results: str = "the results, .json") -> None:
    command.add_argument("--files", type=Path, default=Path("build/bench"), help="where models are kept")
    add_output(command, results)


def add_output(command: argparse.ArgumentParser, results: str) -> None:
    command.add_argument("--output", type=results_file, help=results)


def results_file(text: str) -> Path:
    if (path := Path(text)).suffix != ".json":  # reports and pictures are named after it
        raise argparse.ArgumentTypeError(f"{text} is no name for results: give one that ends in .json")
    return path


def settings(args: argparse.Namespace) -> dict[str, Any]:
    return {"seconds": args.seconds, "clock": args.clock, "threads": args.threads}


def day_file(*name: str) -> Path:
    """Where today's results go by default.  name: the command's, and what it was restricted to."""
    return RESULTS / f"{'-'.join(name)}-{datetime.date.today()}.json"


def output_of(args: argparse.Namespace, *name: str) -> Path:
    """The file asked for, or else the day's file, with a number appended if there is one already."""
    if args.output:
        return writable(args.output)
    first = day_file(*name)
    numbered = (first.with_name(f"{first.stem}-{n}.json") for n in itertools.count(2))
    return writable(next(path for path in itertools.chain([first], numbered) if not path.exists()))


def writable(path: Path) -> Path:
    """The same path, with its folder made. Raises PatternliteError, before any measuring, if that fails."""
    if path.is_dir():
        raise PatternliteError(f"{path} is a folder; give a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise PatternliteError(f"{path} cannot be written: {error.strerror}; give --output") from error
    return path


def say_crowded(report: Report) -> None:
    if report.crowded:
        console.print(report.crowded, style="bold red", highlight=False, soft_wrap=True)


def say_left_out(report: NetReport) -> None:
    lines = dict.fromkeys(
        f"{label} in {outcome.case.name}: {outcome.notes[label]}"
        for outcome in report.outcomes
        for label in outcome.notes
        if label not in outcome.measured
    )
    for line in lines:
        console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)


def say_where(*paths: Path) -> None:
    console.print(f"All figures: {', '.join(map(str, paths))}", highlight=False, soft_wrap=True)
