"""What to measure and what is claimed of it, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternlite.errors import PatternliteError

from .. import plans
from ..cases import Claim
from ..plans import known
from ..sparse_weights import STRUCTURES
from .files import KINDS, Recipe
from .networks import NETWORKS

TORCH = "torch"  # what claims of kind "difference" may be over, besides contenders
CLAIMS = ("speed-up", "operators", "prepare", "memory", "difference")


@dataclass(frozen=True)
class Player:
    """file: of files.KINDS.  plugin: run with ours.  prepare: whether loading is measured, too."""

    file: str
    plugin: bool = False
    prepare: bool = False


@dataclass(frozen=True)
class Case:
    recipe: Recipe
    claims: tuple[Claim, ...]

    @property
    def name(self) -> str:
        return f"{self.recipe.net}-{self.recipe.structure}"


@dataclass(frozen=True)
class Plan:
    """contenders: by label."""

    contenders: Mapping[str, Player]
    cases: tuple[Case, ...]


def read_plan(path: Path) -> Plan:
    return plans.read(path, _plan)


def choose(plan: Plan, nets: Sequence[str]) -> list[Case]:
    """The cases of these networks; empty means all."""
    chosen = [case for case in plan.cases if not nets or case.recipe.net in nets]
    if not chosen:
        raise PatternliteError(f"no such network; known: {', '.join(c.recipe.net for c in plan.cases)}")
    return chosen


def _plan(data: dict[str, Any]) -> Plan:
    def claims(part: dict[str, Any]) -> tuple[Claim, ...]:
        return tuple(Claim(**claim) for claim in part.pop("claims", ()))

    common = claims(data)
    plan = Plan(
        {label: Player(**player) for label, player in data["contenders"].items()},
        tuple(Case(claims=claims(case) + common, recipe=Recipe(**case)) for case in data["cases"]),
    )
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    for player in plan.contenders.values():
        known("file", player.file, KINDS)
    for case in plan.cases:
        known("network", case.recipe.net, NETWORKS)
        known("structure", case.recipe.structure, STRUCTURES)
        for claim in case.claims:
            known("kind of claim", claim.kind, CLAIMS)
            known("contender", claim.of, plan.contenders)
            of = plan.contenders[claim.of]
            if claim.kind == "difference":
                alike = (label for label, p in plan.contenders.items() if p.file == of.file)
                known(f"reference for {claim.of}", claim.over, (TORCH, *alike))
            elif claim.kind != "prepare":
                known("contender", claim.over, plan.contenders)
            elif not of.prepare:
                raise ValueError(f"the loading of {claim.of!r} is not measured; give it prepare = true")
