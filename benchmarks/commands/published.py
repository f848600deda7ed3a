"""The published set, and its report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from patternlite.errors import PatternliteError, require_packages
from patternlite.support.progress import Stages

from .common import (
    PLANS,
    add_chosen_nets,
    add_files,
    add_protocol,
    console,
    day_file,
    say_crowded,
    say_left_out,
    say_where,
    settings,
    writable,
)


def add(commands: Any) -> None:
    command = commands.add_parser("published", help="all rivals, rates and networks, and their report")
    command.set_defaults(run=run)
    command.add_argument("--plan", type=Path, default=PLANS / "published.toml", help="what to measure")
    command.add_argument("--quick", action="store_true", help="one small network, in a minute")
    command.add_argument("--group", nargs="+", default=[], help="only these groups of cases")
    add_chosen_nets(command)
    add_protocol(command, seconds=60.0, per="case and number of threads")
    add_files(command, "the results, .json; the report and its pictures are written beside it")


def run(args: argparse.Namespace) -> None:
    """Measures what the results file does not have yet, with the same case and contenders."""
    require_packages("convert", "tensorflow", "torch")
    require_packages("bench", "matplotlib", "jinja2")
    from ..latency.cases import read_plan
    from ..latency.nets import choose, conditions_for, is_done, run_case
    from ..latency.results import NetReport, Outcome, read_json
    from ..latency.tables import claim_table, latency_table
    from ..models.files import ModelFiles
    from ..report.page import write_report
    from ..results import write_json

    if args.quick:
        args.plan, args.seconds, args.threads = PLANS / "quick.toml", min(args.seconds, 15.0), [1]
    plan = read_plan(args.plan)
    cases = choose(plan, args.net, args.structure, args.group)
    output = writable(
        args.output or (Path("build/bench/quick.json") if args.quick else day_file("published"))
    )
    result = NetReport(settings(args), [])
    before = read_json(output) if output.exists() and not args.quick else result
    outcomes: list[Outcome] = list(before.outcomes)
    conditions = conditions_for(args.threads, args.seconds, args.clock)
    with ModelFiles(args.files) as files, Stages(console) as stages:
        left = [
            (condition, case)
            for condition in conditions
            for case in cases
            if not is_done(plan, case, condition.threads, before.outcomes, files)
        ]
        if left and before.outcomes and not result.can_go_on_from(before):
            raise PatternliteError(
                f"{output} was measured otherwise, elsewhere, at another commit, or of files not committed: "
                "move it away, or give --output"
            )
        for condition, case in left:
            new = run_case(plan, case, [condition], files, stages)
            of = (case.name, condition.threads)
            outcomes = [*(o for o in outcomes if (o.case.name, o.threads) != of), *new]
            write_json(NetReport(settings(args), outcomes), output)  # what is done stays
    result = NetReport(settings(args), outcomes) if left else before
    for table in (latency_table, claim_table):
        console.print(table(result))
    say_left_out(result)
    say_crowded(result)
    say_where(output, write_report(result, output))
