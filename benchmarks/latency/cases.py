"""What to measure and what is claimed about it, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .. import plans
from ..models.files import Rates
from ..models.networks import NETWORKS
from ..models.sparse_weights import STRUCTURES
from ..plans import known, once
from ..rivals import RIVALS

KINDS = ("speed-up", "scaling", "prepare", "difference", "operators", "memory")
_COMPARED = ("speed-up", "operators", "memory")  # kinds of claims that compare with another contender
_WATCHED = ("operators", "memory")  # kinds of claims about contenders that are watched
FILES = ("dense", "pruned", "blocks", "int8")
_PROBED = (".tflite", ".mnn")  # suffixes with a probe model, which worker.prepare loads first


@dataclass(frozen=True)
class Claim:
    """What must hold, and a more ambitious value to reach for.

    kind: "speed-up" of contender `of` over `over`; "scaling" of `of` from one thread to the most, by the
        fastest calls, since the two do not take turns; "prepare", the seconds that `of` takes to load;
        "difference" of its answer from the first one for the same file; "operators", the speed-up of the sum
        of all operators' least times; or "memory", what its session holds relative to that of `over`.
    """

    kind: str
    of: str
    must: float
    reach: float
    over: str = ""

    def __post_init__(self) -> None:
        if self.kind in _COMPARED and not self.over:
            raise ValueError(f"the claim of {self.of!r}, {self.kind}, lacks over: whom to compare with")

    def __str__(self) -> str:
        who = f"{self.of} over {self.over}" if self.over else self.of
        kind = "scaling by the fastest calls" if self.kind == "scaling" else self.kind
        return who if self.kind == "speed-up" else f"{who}, {kind}"


@dataclass(frozen=True)
class Player:
    """A rival with a model file.

    rival: a key of RIVALS.  prepare: whether loading is measured, too.  watch: whether operators are (MNN).
    file: "dense", "pruned", "blocks" (pruned to the same rates, in the structure of that name), or "int8"
        (dense, quantised).
    """

    rival: str
    file: str
    prepare: bool = False
    watch: bool = False


@dataclass(frozen=True)
class Case:
    """A pruned network to measure.

    contenders: their labels; empty for all.  without: labels to leave out because they would take too long.
    rates: None for the network's own, in a plan's file and in results from before 2026-11-29.
    group: the question that the case is to answer.
    """

    net: str
    structure: str
    claims: tuple[Claim, ...] = ()
    rates: Rates | None = None
    batch: int = 1
    contenders: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    group: str = "networks"

    @property
    def name(self) -> str:
        rate = f"-{self.rates.short}" if self.rates else ""
        batch = f"-batch{self.batch}" if self.batch > 1 else ""
        return f"{self.net}-{self.structure}{rate}{batch}"


@dataclass(frozen=True)
class Plan:
    """contenders: label -> player.  rates: network -> rates.  claims: for all cases in the default group."""

    contenders: Mapping[str, Player]
    rates: Mapping[str, Rates]
    cases: tuple[Case, ...]
    claims: tuple[Claim, ...] = ()

    def rates_of(self, case: Case) -> Rates:
        return case.rates or self.rates[case.net]

    def players_of(self, case: Case) -> dict[str, Player]:
        labels = [c for c in case.contenders or self.contenders if c not in case.without]
        return {c: player for c, player in self.contenders.items() if c in labels}


def read_plan(path: Path) -> Plan:
    return plans.read(path, Plan, _finish)


def _finish(plan: Plan) -> Plan:
    """Gives cases their network's rates, and those of the default group the common claims; checks all."""
    for label, player in plan.contenders.items():
        known("rival", player.rival, RIVALS)
        known("file", player.file, FILES)
        if player.prepare and not RIVALS[player.rival].suffix.endswith(_PROBED):
            raise ValueError(f"the loading of {label!r} cannot be measured: {player.rival} runs no probe")
        if player.watch and RIVALS[player.rival].process != "mnn":
            raise ValueError(f"{label!r} cannot be watched: {player.rival} is not MNN")
    for case in plan.cases:
        known("network", case.net, NETWORKS)
        known("structure", case.structure, STRUCTURES)
        if case.rates is None:
            known("network with rates", case.net, plan.rates)
        for label in (*case.contenders, *case.without):
            known("contender", label, plan.contenders)
    cases = tuple(
        replace(
            case,
            rates=plan.rates_of(case),
            claims=case.claims + (plan.claims if case.group == Case.group else ()),
        )
        for case in plan.cases
    )
    once("case", (case.name for case in cases))
    for case in cases:
        for claim in case.claims:
            known("kind of claim", claim.kind, KINDS)
            players = plan.players_of(case)
            for label in filter(None, (claim.of, claim.over)):
                known(f"contender of {case.name}:", label, players)
            _require_measured(claim, players)
    return replace(plan, cases=cases)


def _require_measured(claim: Claim, players: Mapping[str, Player]) -> None:
    """Raises ValueError if the claim is about loading or operators that are not measured."""
    if claim.kind == "prepare" and not players[claim.of].prepare:
        raise ValueError(f"the loading of {claim.of!r} is not measured; give it prepare = true")
    for label in (claim.of, claim.over) if claim.kind in _WATCHED else ():
        if not players[label].watch:
            raise ValueError(f"the operators of {label!r} are not measured; give it watch = true")
