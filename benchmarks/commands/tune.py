"""Tunes networks for TVM."""

from __future__ import annotations

import argparse
from typing import Any

from patternlite.errors import require_packages
from patternlite.support.progress import Stages

from .common import add_files, console, output_of, say_where, some_seconds


def add(commands: Any) -> None:
    command = commands.add_parser("tune", help="tunes networks for TVM; resumes if it was stopped")
    command.set_defaults(run=run)
    command.add_argument("net", nargs="+")
    command.add_argument("--trials", type=trials, default=64, help="candidates for each kind of layer (64)")
    command.add_argument(
        "--seconds", type=some_seconds, default=3600.0, help="begin no kind of layer after so many (3600)"
    )
    add_files(command, "the log, .json")


def trials(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of candidates, 1 or more")
    return value


def run(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow", "torch")
    from ..latency.tables import tuning_table
    from ..models.files import ModelFiles
    from ..models.networks import NETWORKS
    from ..plans import known
    from ..results import Report, write_json
    from ..rivals.tuning import Tuning, tune_network

    for net in args.net:
        known("network", net, NETWORKS)
    output = output_of(args, "tvm")
    settings = {"trials": args.trials, "seconds": args.seconds}
    tunings: list[Tuning] = []
    with ModelFiles(args.files) as files, Stages(console) as stages:
        for net in args.net:
            path = files.as_format(files.dense(net), ".onnx")
            with stages.stage(f"TVM, {net}") as advance:
                tunings.append(tune_network(path, args.trials, args.seconds, advance))
            write_json(Report(settings, tunings), output)
    for tuning in tunings:
        console.print(tuning_table(tuning))
    say_where(output)
