"""Draws the report of a results file again."""

from __future__ import annotations

import argparse
from typing import Any

from patternlite.errors import require_packages

from .common import results_file, say_where


def add(commands: Any) -> None:
    command = commands.add_parser("report", help="draws the report of a results file from `published` again")
    command.set_defaults(run=run)
    command.add_argument("results", type=results_file)


def run(args: argparse.Namespace) -> None:
    require_packages("bench", "matplotlib", "jinja2")
    from ..latency.results import read_json
    from ..report.page import write_report

    say_where(write_report(read_json(args.results), args.results))
