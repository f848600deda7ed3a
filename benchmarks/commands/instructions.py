"""Counts instructions with valgrind."""

from __future__ import annotations

import argparse
from typing import Any

from patternlite.errors import require_packages
from patternlite.support.progress import Stages

from .common import add_files, console, output_of, say_where


def add(commands: Any) -> None:
    command = commands.add_parser("instructions", help="instructions of two layers, counted by valgrind")
    command.set_defaults(run=run)
    add_files(command)


def run(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow")
    from ..latency.instructions import LAYERS, count_layer
    from ..latency.tables import instruction_table
    from ..models.files import ModelFiles
    from ..results import Report, write_json

    output = output_of(args, "instructions")
    counts = []
    with ModelFiles(args.files) as files, Stages(console) as stages:
        for layer in LAYERS:
            with stages.stage(str(layer)):
                counts += count_layer(layer, files)
    write_json(Report({"isa": "avx2"}, counts), output)
    console.print(instruction_table(counts))
    say_where(output)
