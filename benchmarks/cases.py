"""What to measure and what is claimed of it, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternlite.errors import PatternliteError

from .model_files import Rates
from .networks import NETWORKS
from .rivals import RIVALS
from .sparse_weights import STRUCTURES

KINDS = ("speed-up", "scaling", "prepare")
FILES = ("dense", "pruned")


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
    """rival: of RIVALS.  file: "dense" or "pruned".  prepare: whether loading is measured, too."""

    rival: str
    file: str
    prepare: bool = False


@dataclass(frozen=True)
class Case:
    net: str
    structure: str
    claims: tuple[Claim, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.net}-{self.structure}"


@dataclass(frozen=True)
class Plan:
    """contenders: by label.  rates: by network."""

    contenders: Mapping[str, Player]
    rates: Mapping[str, Rates]
    cases: tuple[Case, ...]


def read_plan(path: Path) -> Plan:
    """Raises PatternliteError naming what the file has wrong."""
    try:
        plan = _plan(tomllib.loads(path.read_text(encoding="utf-8")))
        _check(plan)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise PatternliteError(f"{path}: {type(error).__name__}: {error}") from error
    return plan


def _plan(data: dict[str, Any]) -> Plan:
    common = tuple(Claim(**claim) for claim in data.get("claims", ()))
    return Plan(
        {label: Player(**player) for label, player in data["contenders"].items()},
        {net: Rates(**rates) for net, rates in data["rates"].items()},
        tuple(
            Case(c["net"], c["structure"], tuple(Claim(**x) for x in c.get("claims", ())) + common)
            for c in data["cases"]
        ),
    )


def _check(plan: Plan) -> None:
    def known(what: str, name: str, names: Iterable[str]) -> None:
        if name not in names:
            raise ValueError(f"unknown {what} {name!r}; known: {', '.join(names)}")

    for player in plan.contenders.values():
        known("rival", player.rival, RIVALS)
        known("file", player.file, FILES)
    for case in plan.cases:
        known("network", case.net, NETWORKS)
        known("network with rates", case.net, plan.rates)
        known("structure", case.structure, STRUCTURES)
        for claim in case.claims:
            known("kind of claim", claim.kind, KINDS)
            for label in filter(None, (claim.of, claim.over)):
                known("contender", label, plan.contenders)
