"""`python -m benchmarks nets`: whole networks, stock runtimes against ours."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from patternlite.errors import PatternliteError
from patternlite.runtimes.installed import runtimes_for
from patternlite.support.progress import Advance, Stages

from ..models.files import ModelFiles
from ..models.tflite_weights import macs
from ..plans import known
from ..rivals import RIVALS
from ..timing.neighbours import Neighbours
from ..timing.protocol import Conditions, Contender, ContenderError, Measured, measure, prepare
from ..timing.worker import Preparation
from .cases import Case, Plan
from .results import Outcome

_FAILED = "left out, it failed: "


def choose(
    plan: Plan, nets: Sequence[str], structures: Sequence[str], groups: Sequence[str] = ()
) -> list[Case]:
    """The plan's cases of these networks, structures and groups; empty means all."""
    for what, names in (("net", nets), ("structure", structures), ("group", groups)):
        for name in names:
            known(what, name, [getattr(case, what) for case in plan.cases])
    chosen = [
        case
        for case in plan.cases
        if (not nets or case.net in nets)
        and (not structures or case.structure in structures)
        and (not groups or case.group in groups)
    ]
    if not chosen:
        cases = ", ".join(f"{case.name} ({case.group})" for case in plan.cases)
        raise PatternliteError(f"no such case; known: {cases}")
    return chosen


def conditions_for(threads: Iterable[int], seconds: float, clock: str) -> list[Conditions]:
    """Conditions for each number of threads, on the first cores that this process may use."""
    cores = sorted(os.sched_getaffinity(0))
    if (most := max(threads)) > len(cores):
        raise PatternliteError(f"{most} threads were asked for, but this process may use {len(cores)} cores")
    if most > 1 and clock == "cpu":
        raise PatternliteError("CPU time says something about a single thread only; leave --cpu-time out")
    return [Conditions(n, tuple(cores[:n]), seconds, clock) for n in threads]


def is_done(plan: Plan, case: Case, threads: int, before: Sequence[Outcome], files: ModelFiles) -> bool:
    """Whether one of the outcomes is of this very case, and those left out failed or still cannot run."""
    players = plan.players_of(case)
    for outcome in before:
        if (outcome.case, outcome.threads, outcome.players) == (case, threads, players):
            failed = {label for label, note in outcome.notes.items() if note.startswith(_FAILED)}
            return len(outcome.measured) == len(players) or (
                outcome.measured.keys() | failed == {c.label for c in _contenders(plan, case, files)[0]}
            )
    return False


def run_case(
    plan: Plan, case: Case, conditions: Sequence[Conditions], files: ModelFiles, stages: Stages
) -> list[Outcome]:
    """One outcome per condition. Contenders that cannot run here, or fail, are left out, with a note."""
    with stages.stage(f"{case.name}, files"):
        contenders, notes = _contenders(plan, case, files)
        multiplications = tuple(
            macs(bytearray(_tflite(plan, case, file, files).read_bytes())) for file in ("dense", "pruned")
        )
    outcomes = []
    for i, condition in enumerate(conditions):
        with stages.stage(f"{case.name}, threads: {condition.threads}") as advance:
            measured, neighbours, failed = _measure(
                plan, case, contenders, files, condition, partial(advance, "")
            )
        contenders = [c for c in contenders if c.label in measured]
        notes = notes | failed
        preparations: dict[str, Preparation] = {}
        if i == 0:
            with stages.stage(f"{case.name}, loading") as advance:
                preparations, unprepared = _prepare(plan, contenders, condition, advance)
            notes = notes | unprepared
        outcomes.append(
            Outcome(
                case,
                condition.threads,
                measured,
                preparations,
                os.getloadavg()[0],
                {c.label: sum(path.stat().st_size for path in _files(c.path)) for c in contenders},
                multiplications,
                notes,
                plan.rates_of(case),
                plan.players_of(case),
                neighbours,
            )
        )
    return outcomes


def _measure(
    plan: Plan,
    case: Case,
    contenders: list[Contender],
    files: ModelFiles,
    condition: Conditions,
    progress: Callable[[float], None],
) -> tuple[dict[str, Measured], Neighbours, dict[str, str]]:
    """As `protocol.measure`, and notes about rivals that failed, without which the others are measured again.

    Raises ContenderError if the plugin or a witness fails.
    """
    notes: dict[str, str] = {}
    while True:
        try:
            witnesses = _witnesses(plan, case, contenders, files)
            return *measure(contenders, condition, progress, witnesses), notes
        except ContenderError as error:
            rivals = {c.label for c in contenders if not RIVALS[c.rival].plugin}
            if error.label not in rivals:
                raise
            contenders = [c for c in contenders if c.label != error.label]
            notes[error.label] = f"{_FAILED}{error.why}"


def _files(path: Path) -> list[Path]:
    """A model in two files counts as both."""
    return [path, path.with_suffix(".bin")] if path.suffix == ".param" else [path]


def _contenders(plan: Plan, case: Case, files: ModelFiles) -> tuple[list[Contender], dict[str, str]]:
    """The contenders, and label -> note: what must be known about a contender, or why it is left out."""
    contenders: list[Contender] = []
    notes: dict[str, str] = {}
    for label, player in plan.players_of(case).items():
        rival = RIVALS[player.rival]
        if rival.version() is None:
            notes[label] = "left out, not installed"
            continue
        path = files.as_format(_tflite(plan, case, player.file, files), rival.suffix)
        if missing := rival.missing(path):
            notes[label] = f"left out, {missing}"
            continue
        contenders.append(Contender(label, player.rival, path, _model(player.file), player.watch))
        if note := rival.note(path):
            notes[label] = note
    if not contenders:
        raise PatternliteError("no runtime is installed; run: pip install 'patternlite[convert,tflite,mnn]'")
    return contenders, notes


def _witnesses(plan: Plan, case: Case, contenders: Sequence[Contender], files: ModelFiles) -> list[Contender]:
    """Stock TFLite on each model that only one contender runs, or only the plugin."""
    counts = Counter(c.model for c in contenders)
    by_stock = {c.model for c in contenders if not RIVALS[c.rival].plugin}
    stock = runtimes_for(".tflite")[0].name
    return [
        Contender(f"witness of {model}", stock, _tflite(plan, case, model, files), model)
        for model, count in counts.items()
        if count == 1 or model not in by_stock
    ]


def _tflite(plan: Plan, case: Case, file: str, files: ModelFiles) -> Path:
    if file in ("dense", "int8"):
        dense = files.dense(case.net, case.batch)
        return files.int8(dense) if file == "int8" else dense
    structure = "blocks" if file == "blocks" else case.structure
    return files.pruned(case.net, structure, plan.rates_of(case), case.batch)


def _model(file: str) -> str:
    """The model whose answer a file must give: for int8 the dense one, within its rival's tolerance."""
    return "dense" if file == "int8" else file


def _prepare(
    plan: Plan, contenders: Sequence[Contender], conditions: Conditions, advance: Advance
) -> tuple[dict[str, Preparation], dict[str, str]]:
    """Label -> preparation, and notes about rivals that failed. Raises ContenderError if the plugin fails."""
    chosen = [c for c in contenders if plan.contenders[c.label].prepare]
    found: dict[str, Preparation] = {}
    notes: dict[str, str] = {}
    for i, c in enumerate(chosen):
        advance(c.label, i / len(chosen))
        try:
            found[c.label] = prepare(c, conditions)
        except ContenderError as error:
            if RIVALS[c.rival].plugin:
                raise
            notes[c.label] = f"loading was not measured, it failed: {error.why}"
    return found, notes
