"""What to measure and what is claimed of it, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import plans
from .model_files import Rates
from .networks import NETWORKS
from .plans import known
from .rivals import RIVALS
from .sparse_weights import STRUCTURES

KINDS = ("speed-up", "scaling", "prepare")
FILES = ("dense", "pruned", "blocks", "int8")


@dataclass(frozen=True)
class Claim:
    """What must hold, and what would be better still.

    kind: "speed-up" of contender `of` over `over`, "scaling" of `of` from one thread to the most, or
        "prepare", the seconds `of` takes to load.
    """

    kind: str
    of: str
    must: float
    reach: float
    over: str = ""

    def __str__(self) -> str:
        who = f"{self.of} over {self.over}" if self.over else self.of
        return who if self.kind == "speed-up" else f"{who}, {self.kind}"


@dataclass(frozen=True)
class Player:
    """rival: of RIVALS.  prepare: whether loading is measured, too.

    file: "dense", "pruned", "blocks" (pruned to the same rates, in the structure of that name), or "int8"
        (dense, quantised).
    """

    rival: str
    file: str
    prepare: bool = False


@dataclass(frozen=True)
class Case:
    """rates: None for the network's own.  contenders: labels; none for all.  group: what it is to answer.

    without: labels that are left out, where they would take too long.
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
        rate = f"-{self.rates.conv3x3:g}x" if self.rates else ""
        batch = f"-batch{self.batch}" if self.batch > 1 else ""
        return f"{self.net}-{self.structure}{rate}{batch}"


@dataclass(frozen=True)
class Plan:
    """contenders: by label.  rates: by network."""

    contenders: Mapping[str, Player]
    rates: Mapping[str, Rates]
    cases: tuple[Case, ...]

    def rates_of(self, case: Case) -> Rates:
        return case.rates or self.rates[case.net]

    def players_of(self, case: Case) -> dict[str, Player]:
        labels = [c for c in case.contenders or self.contenders if c not in case.without]
        return {c: player for c, player in self.contenders.items() if c in labels}


def read_plan(path: Path) -> Plan:
    return plans.read(path, _plan)


def _plan(data: dict[str, Any]) -> Plan:
    common = tuple(Claim(**claim) for claim in data.get("claims", ()))
    plan = Plan(
        {label: Player(**player) for label, player in data["contenders"].items()},
        {net: Rates(**rates) for net, rates in data["rates"].items()},
        tuple(_case(entry, common) for entry in data["cases"]),
    )
    _check(plan)
    return plan


def _case(entry: dict[str, Any], common: tuple[Claim, ...]) -> Case:
    """common: claims of all cases in the group that cases are in by default."""
    own = tuple(Claim(**claim) for claim in entry.get("claims", ()))
    return Case(
        **entry
        | {
            "claims": own if entry.get("group", Case.group) != Case.group else own + common,
            "rates": Rates(**entry["rates"]) if "rates" in entry else None,
            "contenders": tuple(entry.get("contenders", ())),
            "without": tuple(entry.get("without", ())),
        }
    )


def _check(plan: Plan) -> None:
    for player in plan.contenders.values():
        known("rival", player.rival, RIVALS)
        known("file", player.file, FILES)
    for case in plan.cases:
        known("network", case.net, NETWORKS)
        known("network with rates", case.net, plan.rates)
        known("structure", case.structure, STRUCTURES)
        for label in (*case.contenders, *case.without):
            known("contender", label, plan.contenders)
        for claim in case.claims:
            known("kind of claim", claim.kind, KINDS)
            for label in filter(None, (claim.of, claim.over)):
                known("contender", label, plan.contenders)
