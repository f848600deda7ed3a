"""What pruning costs in accuracy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from patternlite.errors import require_packages
from patternlite.support.progress import Stages

from .common import PLANS, add_output, console, output_of, say_crowded, say_where, some_seconds, threads


def add(commands: Any) -> None:
    command = commands.add_parser("accuracy", help="what pruning costs in accuracy, on real test images")
    command.set_defaults(run=run)
    command.add_argument("data", type=Path, help="folder, zip or tar of train|test/<class>/*.jpg")
    command.add_argument("--plan", type=Path, default=PLANS / "accuracy.toml", help="what to measure")
    command.add_argument("--weights", nargs="+", default=[], metavar="NETWORK=PATH", help="state dicts")
    command.add_argument("--case", nargs="+", default=[], help="only cases whose name begins so")
    command.add_argument("--recipe", nargs="+", default=[], help="only these recipes")
    command.add_argument("--client", nargs="+", default=[], help='"none": as pruned')
    command.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    command.add_argument(
        "--latency", type=some_seconds, default=0.0, help="seconds to time each pruned model"
    )
    command.add_argument("--threads", type=threads, default=1, help="for --latency")
    command.add_argument("--files", type=Path, default=Path("build/accuracy"), help="where rows are kept")
    add_output(command, "the results, .json; plots are written beside it")


def run(args: argparse.Namespace) -> None:
    require_packages("convert", "torch")
    require_packages("bench", "matplotlib", "PIL")
    from .. import plots
    from ..accuracy.plan import jobs, read_plan
    from ..accuracy.plots import accuracy_figure
    from ..accuracy.results import AccuracyReport, Row, summaries
    from ..accuracy.rows import Laboratory, time_rows, weights_of
    from ..accuracy.rows import run as run_jobs
    from ..accuracy.tables import accuracy_table
    from ..results import write_json

    plan = read_plan(args.plan)
    chosen = jobs(plan, args.case, args.recipe, args.client, args.seeds)
    laboratory = Laboratory(plan, args.data, weights_of(args.weights), args.files)
    output = output_of(args, "accuracy")
    settings = {
        "seeds": args.seeds,
        "recipes": plan.recipes,
        "clients": plan.clients,
        "latency": args.latency,
        "threads": args.threads,
    }

    def report(rows: list[Row]) -> AccuracyReport:
        return AccuracyReport(settings, rows, summaries=summaries(rows, plan.cases))

    def keep(rows: list[Row]) -> None:
        write_json(report(rows), output)

    with Stages(console) as stages:
        for name in laboratory.untrained(chosen):
            with stages.stage(f"training {name}") as advance:
                laboratory.train(name, advance)
        rows = run_jobs(laboratory, chosen, stages, keep)
        if args.latency:
            rows = time_rows(laboratory, chosen, rows, args.threads, args.latency, stages, keep)
    plots.write_figure(accuracy_figure(report(rows)), output)
    console.print(accuracy_table(report(rows)))
    say_crowded(report(rows))
    say_where(output)
