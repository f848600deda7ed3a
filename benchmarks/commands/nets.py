"""Whole networks, stock runtimes against ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from patternlite.errors import require_packages
from patternlite.support.progress import Stages

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
    from ..latency import tables
    from ..latency.cases import read_plan
    from ..latency.nets import choose, conditions_for, run_case
    from ..latency.plots import latency_figure
    from ..latency.results import NetReport, Outcome
    from ..models.files import ModelFiles
    from ..plots import write_figure
    from ..results import write_json

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
    write_figure(latency_figure(report), output)
    for table in (tables.latency_table, tables.preparation_table, tables.session_table, tables.claim_table):
        if (shown := table(report)).rows:
            console.print(shown)
    say_left_out(report)
    say_crowded(report)
    say_where(output)
