"""Whole networks, stock runtimes against ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from patternlite.errors import require_packages
from patternlite.progress import Stages

from .common import (
    PLANS,
    add_chosen_nets,
    add_files,
    add_protocol,
    console,
    output_of,
    say_crowded,
    say_left_out,
    say_where,
    settings,
)


def add(commands: Any) -> None:
    command = commands.add_parser("nets", help="whole networks, stock runtimes against ours")
    command.set_defaults(run=run)
    command.add_argument("--plan", type=Path, default=PLANS / "nets.toml", help="what to measure")
    add_chosen_nets(command)
    add_protocol(command, seconds=60.0, per="case and number of threads")
    add_files(command, "the results, .json; plots are written beside it")


def run(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow", "torch")
    require_packages("bench", "matplotlib")
    from .. import plots, tables
    from ..cases import read_plan
    from ..model_files import ModelFiles
    from ..nets import choose, conditions_for, run_case
    from ..results import NetReport, Outcome, write_json

    plan = read_plan(args.plan)
    cases = choose(plan, args.net, args.structure)
    conditions = conditions_for(args.threads, args.seconds, args.clock)
    output = output_of(args, args.plan.stem, *args.net, *args.structure)
    outcomes: list[Outcome] = []
    with ModelFiles(args.files) as files, Stages(console) as stages:
        for case in cases:
            outcomes += run_case(plan, case, conditions, files, stages)
            write_json(NetReport(settings(args), outcomes), output)  # what is done stays
    report = NetReport(settings(args), outcomes)
    plots.write_figure(plots.latency_figure(report), output)
    for table in (tables.latency_table, tables.preparation_table, tables.session_table, tables.claim_table):
        if (shown := table(report)).rows:
            console.print(shown)
    say_left_out(report)
    say_crowded(report)
    say_where(output)
