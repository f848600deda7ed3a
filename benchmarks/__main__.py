"""The command line, from the project's root; alone, the published set. Nothing is computed here."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from patternlite.errors import PatternliteError, require_packages
from patternlite.progress import Stages

_HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("published", help="all rivals, rates and networks, and the report of it")
    command.set_defaults(run=published)
    command.add_argument("--plan", type=Path, default=_HERE / "published.toml", help="what to measure")
    command.add_argument("--quick", action="store_true", help="one small network, in a minute")
    command.add_argument("--group", nargs="+", default=[], help="only these groups of cases")
    _chosen_nets(command)
    _common(command, seconds=60.0, per="case and number of threads")
    command = commands.add_parser("report", help="draws the report of a results file of `published` again")
    command.set_defaults(run=report)
    command.add_argument("results", type=Path)
    command = commands.add_parser("rivals", help="what there is to compare with")
    command.set_defaults(run=rivals)
    command.add_argument("--install", action="store_true", help="makes the rivals' environment, build/rivals")
    command = commands.add_parser("tune", help="tunes networks for TVM; goes on where it was stopped")
    command.set_defaults(run=tune)
    command.add_argument("net", nargs="+")
    command.add_argument("--trials", type=int, default=64, help="candidates for each kind of layer")
    command.add_argument("--seconds", type=float, default=600.0, help="begin no kind of layer after so many")
    command.add_argument("--files", type=Path, default=Path("build/bench"), help="where models are kept")
    command = commands.add_parser("instructions", help="instructions of two layers, counted by valgrind")
    command.set_defaults(run=instructions)
    command.add_argument("--files", type=Path, default=Path("build/bench"), help="where models are kept")
    command.add_argument("--output", type=Path, help="the results, .json")
    command = commands.add_parser("nets", help="whole networks, stock runtimes against ours")
    command.set_defaults(run=nets)
    command.add_argument("--plan", type=Path, default=_HERE / "nets.toml", help="what to measure")
    _chosen_nets(command)
    _common(command, seconds=60.0, per="case and number of threads")
    command = commands.add_parser("layers", help="single convolutions, and their share of the core's peak")
    command.set_defaults(run=layers)
    command.add_argument("--plan", type=Path, default=_HERE / "layers.toml", help="what to measure")
    command.add_argument("--set", nargs="+", default=[], help="only these sets of the plan")
    command.add_argument("--isa", help="make the plugin use this instruction set; the rival stays as it is")
    command.add_argument("--threads", nargs="+", type=int, default=[1])
    _common(command, seconds=20.0, per="layer and number of threads")
    command = commands.add_parser("mnn", help="the MNN backend against MNN itself, operator by operator")
    command.set_defaults(run=mnn, clock="wall")
    command.add_argument("--plan", type=Path, default=_HERE / "mnn.toml", help="what to measure")
    command.add_argument("--net", nargs="+", default=[], help="only these networks")
    command.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    command.add_argument("--seconds", type=float, default=40.0, help="for each case and number of threads")
    command.add_argument("--files", type=Path, default=Path("build/bench"), help="where models are kept")
    command.add_argument("--output", type=Path, help="the results, .json")
    command = commands.add_parser("accuracy", help="what pruning costs in accuracy, on real test images")
    command.set_defaults(run=accuracy)
    command.add_argument("data", type=Path, help="folder, zip or tar of train|test/<class>/*.jpg")
    command.add_argument("--plan", type=Path, default=_HERE / "accuracy.toml", help="what to measure")
    command.add_argument("--weights", nargs="+", default=[], metavar="NETWORK=PATH", help="state dicts")
    command.add_argument("--case", nargs="+", default=[], help="only cases whose name begins so")
    command.add_argument("--recipe", nargs="+", default=[], help="only these recipes")
    command.add_argument("--client", nargs="+", default=[], help='"none": as pruned')
    command.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    command.add_argument("--latency", type=float, default=0.0, help="seconds to time each pruned model")
    command.add_argument("--threads", type=int, default=1, help="for --latency")
    command.add_argument("--files", type=Path, default=Path("build/accuracy"), help="where rows are kept")
    command.add_argument("--output", type=Path, help="the results, .json; plots are written beside it")
    words = sys.argv[1:]
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["published", *words]
    args = parser.parse_args(words)
    try:
        args.run(args)
    except PatternliteError as error:
        sys.exit(f"error: {error}")


def _chosen_nets(command: argparse.ArgumentParser) -> None:
    command.add_argument("--net", nargs="+", default=[], help="only these networks")
    command.add_argument("--structure", nargs="+", default=[], help="only these structures")
    command.add_argument("--threads", nargs="+", type=int, default=[1, 2])


def _common(command: argparse.ArgumentParser, seconds: float, per: str) -> None:
    command.add_argument("--seconds", type=float, default=seconds, help=f"for each {per}")
    command.add_argument(
        "--cpu-time",
        dest="clock",
        action="store_const",
        const="cpu",
        default="wall",
        help="count CPU time, not time on the wall: where other programs take the cores; 1 thread only",
    )
    command.add_argument("--files", type=Path, default=Path("build/bench"), help="where models are kept")
    command.add_argument("--output", type=Path, help="the results, .json; plots are written beside it")


def published(args: argparse.Namespace) -> None:
    """What is in the results file already is not measured again."""
    require_packages("convert", "tensorflow", "torch")
    require_packages("bench", "matplotlib", "jinja2")
    from .cases import read_plan
    from .model_files import ModelFiles
    from .nets import choose, conditions_for, run_case
    from .report.page import write_report
    from .results import NetReport, Outcome, read_json, write_json
    from .tables import claim_table, latency_table

    if args.quick:
        args.plan, args.seconds, args.threads = _HERE / "quick.toml", min(args.seconds, 5.0), [1]
    plan = read_plan(args.plan)
    cases = [c for c in choose(plan, args.net, args.structure) if not args.group or c.group in args.group]
    output = args.output or (Path("build/bench/quick.json") if args.quick else _result_path("published"))
    resumed = output.exists() and not args.quick
    outcomes: list[Outcome] = list(read_json(output).outcomes) if resumed else []
    done = {(outcome.case.name, outcome.threads) for outcome in outcomes}
    with ModelFiles(args.files) as files, Stages(_console) as stages:
        for condition in conditions_for(args.threads, args.seconds, args.clock):
            for case in cases:
                if (case.name, condition.threads) not in done:
                    outcomes += run_case(plan, case, [condition], files, stages)
                    write_json(NetReport(_settings(args), outcomes), output)  # what is done stays
    result = NetReport(_settings(args), outcomes)
    for table in (latency_table, claim_table):
        _console.print(table(result))
    page = write_report(result, output)
    _console.print(f"All figures: {output}, {page}", highlight=False, soft_wrap=True)


def report(args: argparse.Namespace) -> None:
    require_packages("bench", "matplotlib", "jinja2")
    from .report.page import write_report
    from .results import read_json

    page = write_report(read_json(args.results), args.results)
    _console.print(str(page), highlight=False, soft_wrap=True)


def rivals(args: argparse.Namespace) -> None:
    from .rivals import RIVALS, environment
    from .tables import rival_table

    if args.install:
        with Stages(_console) as stages, stages.stage("Installing"):
            environment.install()
    _console.print(rival_table(RIVALS))


def tune(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow", "torch")
    from .model_files import ModelFiles
    from .rivals.tuning import tune_network

    with ModelFiles(args.files) as files, Stages(_console) as stages:
        for net in args.net:
            with stages.stage(f"TVM, {net}") as advance:
                words = tune_network(files, net, args.trials, args.seconds, advance)
            _console.print(f"{net}: {words}", highlight=False, soft_wrap=True)


def instructions(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow")
    from .instructions import LAYERS, count_layer
    from .model_files import ModelFiles
    from .results import Report, write_json
    from .tables import instruction_table

    output = args.output or _result_path("instructions")
    with ModelFiles(args.files) as files, Stages(_console) as stages:
        counts = []
        for layer in LAYERS:
            with stages.stage(str(layer)):
                counts += count_layer(layer, files)
    write_json(Report({"isa": "avx2"}, counts), output)
    _console.print(instruction_table(counts))
    _console.print(f"All figures: {output}", highlight=False, soft_wrap=True)


def nets(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow", "torch")
    require_packages("bench", "matplotlib")
    from . import plots, tables
    from .cases import read_plan
    from .model_files import ModelFiles
    from .nets import choose, conditions_for, run_case
    from .results import NetReport, Outcome, write_json

    plan = read_plan(args.plan)
    cases = choose(plan, args.net, args.structure)
    conditions = conditions_for(args.threads, args.seconds, args.clock)
    output = args.output or _result_path("nets")
    outcomes: list[Outcome] = []
    with ModelFiles(args.files) as files, Stages(_console) as stages:
        for case in cases:
            outcomes += run_case(plan, case, conditions, files, stages)
            write_json(NetReport(_settings(args), outcomes), output)  # what is done stays
    report = NetReport(_settings(args), outcomes)
    plots.write_figure(plots.latency_figure(report), output)
    for table in (tables.latency_table, tables.preparation_table, tables.claim_table):
        _console.print(table(report))
    _console.print(f"All figures: {output}", highlight=False, soft_wrap=True)


def layers(args: argparse.Namespace) -> None:
    require_packages("convert", "tensorflow")
    from .layers import LayerOutcome, choose_sets, read_layers, run_layer
    from .model_files import ModelFiles
    from .nets import conditions_for
    from .results import Report, write_json
    from .tables import layer_table

    if args.isa:
        os.environ["PATTERNLITE_ISA"] = args.isa  # processes that are started from now on inherit it
    plan = read_layers(args.plan)
    chosen = list(choose_sets(plan, args.set))
    output = args.output or _result_path("layers" + (f"-{args.isa}" if args.isa else ""))
    outcomes: list[LayerOutcome] = []
    with ModelFiles(args.files) as files, Stages(_console) as stages:
        for condition in conditions_for(args.threads, args.seconds, args.clock):
            for layer, structures in chosen:
                with stages.stage(str(layer)) as advance:
                    progress = partial(advance, "")
                    outcomes.append(run_layer(plan, layer, structures, condition, files, progress))
                write_json(Report(_settings(args), outcomes), output)
    _console.print(layer_table(outcomes, plan))
    _console.print(f"All figures: {output}", highlight=False, soft_wrap=True)


def mnn(args: argparse.Namespace) -> None:
    require_packages("convert", "torch")
    require_packages("mnn", "MNN")
    from .mnn.measure import Outcome, run_case
    from .mnn.plan import choose, read_plan
    from .mnn.results import MnnReport
    from .mnn.tables import session_table
    from .nets import conditions_for
    from .results import write_json
    from .tables import claim_table

    plan = read_plan(args.plan)
    cases = choose(plan, args.net)
    output = args.output or _result_path("mnn")
    outcomes: list[Outcome] = []
    with Stages(_console) as stages:
        for case in cases:
            for condition in conditions_for(args.threads, args.seconds, args.clock):
                with stages.stage(f"{case.name}, threads: {condition.threads}") as advance:
                    outcomes.append(run_case(plan, case, condition, args.files, partial(advance, "")))
                write_json(MnnReport(_settings(args), outcomes), output)
    report = MnnReport(_settings(args), outcomes)
    _console.print(session_table(report))
    _console.print(claim_table(report))
    _console.print(f"All figures: {output}", highlight=False, soft_wrap=True)


def accuracy(args: argparse.Namespace) -> None:
    require_packages("convert", "torch")
    require_packages("bench", "matplotlib", "PIL")
    from . import plots
    from .accuracy.plan import NOBODY, jobs, read_plan
    from .accuracy.plots import accuracy_figure
    from .accuracy.results import AccuracyReport, Row, summaries
    from .accuracy.rows import Laboratory, run, weights_of
    from .accuracy.tables import accuracy_table
    from .results import write_json

    plan = read_plan(args.plan)
    chosen = jobs(plan, args.case, args.recipe, args.client, args.seeds)
    laboratory = Laboratory(plan, args.data, weights_of(args.weights), args.files)
    output = args.output or _result_path("accuracy")
    settings = {"seeds": args.seeds, "recipes": plan.recipes, "clients": plan.clients}

    def report(rows: list[Row]) -> AccuracyReport:
        return AccuracyReport(settings, rows, summaries=summaries(rows, plan.cases))

    with Stages(_console) as stages:
        rows = run(laboratory, chosen, stages, lambda rows: write_json(report(rows), output))
        for i, job in enumerate(chosen):
            if args.latency and job.client == NOBODY:
                with stages.stage(f"timing {job}"):
                    rows[i] = laboratory.time(job, args.threads, args.latency)
    write_json(report(rows), output)
    plots.write_figure(accuracy_figure(report(rows)), output)
    _console.print(accuracy_table(report(rows)))
    _console.print(f"All figures: {output}", highlight=False, soft_wrap=True)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    return {"seconds": args.seconds, "clock": args.clock, "threads": args.threads}


def _result_path(name: str) -> Path:
    return _HERE / "results" / f"{name}-{datetime.date.today()}.json"


# Into a file or a pipe, tables are as wide as they like.
_console = Console(width=None if sys.stdout.isatty() else 220)


if __name__ == "__main__":
    main()
