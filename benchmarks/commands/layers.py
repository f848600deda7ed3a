"""Single convolutions, and their share of the core's peak."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import Any

from rich.markup import escape

from patternlite.errors import one_line, require_packages
from patternlite.support.progress import Stages

from .common import (
    PLANS,
    add_files,
    add_protocol,
    console,
    output_of,
    say_crowded,
    say_where,
    settings,
    threads,
)


def add(commands: Any) -> None:
    command = commands.add_parser("layers", help="single convolutions, and their share of the core's peak")
    command.set_defaults(run=run)
    command.add_argument("--plan", type=Path, default=PLANS / "layers.toml", help="what to measure")
    command.add_argument("--set", nargs="+", default=[], help="only these sets of the plan")
    command.add_argument("--isa", help="make the plugin use this instruction set; the rival is not affected")
    command.add_argument("--threads", nargs="+", type=threads, default=[1])
    add_protocol(command, seconds=20.0, per="layer and number of threads")
    add_files(command)


def run(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow")
    from ..latency.layers import LayerOutcome, LayerReport, TooNoisyError, choose_sets, read_layers, run_layer
    from ..latency.nets import conditions_for
    from ..latency.tables import layer_table
    from ..models.files import ModelFiles
    from ..results import write_json

    if args.isa:
        os.environ["PATTERNLITE_ISA"] = args.isa  # processes that are started from now on inherit it
    plan = read_layers(args.plan)
    chosen = list(choose_sets(plan, args.set))
    output = output_of(args, "layers", *filter(None, [args.isa]), *args.set)
    outcomes: list[LayerOutcome] = []
    left_out: list[str] = []
    with ModelFiles(args.files) as files, Stages(console) as stages:
        for condition in conditions_for(args.threads, args.seconds, args.clock):
            for of, layer in chosen:
                with stages.stage(f"{of.name}, {layer}") as advance:
                    progress = partial(advance, "")
                    try:
                        outcomes.append(run_layer(plan, of, layer, condition, files, progress))
                    except TooNoisyError as error:
                        left_out.append(one_line(error))
                write_json(LayerReport(settings(args), outcomes), output)
    if outcomes:
        console.print(layer_table(outcomes, plan))
    for why in left_out:
        console.print(f"[yellow]Left out: {escape(why)}")
    say_crowded(LayerReport(settings(args), outcomes))
    say_where(output)
