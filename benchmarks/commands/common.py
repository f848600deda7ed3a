"""What several commands share: options, where results go, the console."""

from __future__ import annotations

import argparse
import datetime
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from ..results import NetReport

PLANS = Path(__file__).parents[1]
RESULTS = PLANS / "results"

# Into a file or a pipe, tables are as wide as they like.
console = Console(width=None if sys.stdout.isatty() else 220)


def add_chosen_nets(command: argparse.ArgumentParser) -> None:
    command.add_argument("--net", nargs="+", default=[], help="only these networks")
    command.add_argument("--structure", nargs="+", default=[], help="only these structures")
    command.add_argument("--threads", nargs="+", type=_threads, default=[1, 2])


def _threads(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of threads, 1 or more")
    return value


def _seconds(text: str) -> float:
    if not 0 < (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def add_protocol(command: argparse.ArgumentParser, seconds: float, per: str) -> None:
    command.add_argument("--seconds", type=_seconds, default=seconds, help=f"for each {per} ({seconds:g})")
    command.add_argument(
        "--cpu-time",
        dest="clock",
        action="store_const",
        const="cpu",
        default="wall",
        help="count CPU time, not time on the wall: where other programs take the cores; 1 thread only",
    )


def add_files(command: argparse.ArgumentParser, results: str = "the results, .json") -> None:
    command.add_argument("--files", type=Path, default=Path("build/bench"), help="where models are kept")
    command.add_argument("--output", type=Path, help=results)


def settings(args: argparse.Namespace) -> dict[str, Any]:
    return {"seconds": args.seconds, "clock": args.clock, "threads": args.threads}


def result_path(name: str) -> Path:
    return RESULTS / f"{name}-{datetime.date.today()}.json"


def say_crowded(report: NetReport) -> None:
    if report.crowded:
        console.print(report.crowded, style="bold red", highlight=False, soft_wrap=True)


def say_where(*paths: Path) -> None:
    console.print(f"All figures: {', '.join(map(str, paths))}", highlight=False, soft_wrap=True)
