"""Lists the rivals, and installs those that need an environment of their own."""

from __future__ import annotations

import argparse
from typing import Any

from patternlite.support.progress import Stages

from .common import console


def add(commands: Any) -> None:
    command = commands.add_parser("rivals", help="the runtimes to compare with")
    command.set_defaults(run=run)
    command.add_argument("--install", action="store_true", help="makes the rivals' environment, build/rivals")


def run(args: argparse.Namespace) -> None:
    from ..latency.tables import rival_table
    from ..rivals import RIVALS, environment

    if args.install:
        with Stages(console) as stages, stages.stage("Installing"):
            environment.install()
    console.print(rival_table(RIVALS))
