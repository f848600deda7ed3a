"""The MNN backend against MNN itself."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from patternlite.errors import require_packages
from patternlite.progress import Stages

from .common import (
    PLANS,
    add_files,
    console,
    output_of,
    say_crowded,
    say_where,
    settings,
    some_seconds,
    threads,
)


def add(commands: Any) -> None:
    command = commands.add_parser("mnn", help="the MNN backend against MNN itself, operator by operator")
    command.set_defaults(run=run, clock="wall")
    command.add_argument("--plan", type=Path, default=PLANS / "mnn.toml", help="what to measure")
    command.add_argument("--net", nargs="+", default=[], help="only these networks")
    command.add_argument("--threads", nargs="+", type=threads, default=[1, 2])
    command.add_argument(
        "--seconds", type=some_seconds, default=40.0, help="for each case and number of threads (40)"
    )
    add_files(command)


def run(args: argparse.Namespace) -> None:
    require_packages("convert", "torch")
    require_packages("mnn", "MNN")
    from ..mnn.measure import Outcome, run_case
    from ..mnn.plan import choose, read_plan
    from ..mnn.results import MnnReport
    from ..mnn.tables import session_table
    from ..nets import conditions_for
    from ..results import write_json
    from ..tables import claim_table

    plan = read_plan(args.plan)
    cases = choose(plan, args.net)
    output = output_of(args, "mnn", *args.net)
    outcomes: list[Outcome] = []
    with Stages(console) as stages:
        for case in cases:
            for condition in conditions_for(args.threads, args.seconds, args.clock):
                with stages.stage(f"{case.name}, threads: {condition.threads}") as advance:
                    outcomes.append(run_case(plan, case, condition, args.files, partial(advance, "")))
                write_json(MnnReport(settings(args), outcomes), output)
    report = MnnReport(settings(args), outcomes)
    for table in (session_table, claim_table):
        console.print(table(report))
    say_crowded(report)
    say_where(output)
