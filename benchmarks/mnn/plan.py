"""What to measure and what is claimed of it, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import plans
from ..cases import Claim, require_loading
from ..model_files import Rates
from ..plans import known, once
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

    @property
    def rival(self) -> str:
        """Of RIVALS."""
        return "patternlite in mnn" if self.plugin else "mnn"


@dataclass(frozen=True)
class Case:
    recipe: Recipe
    claims: tuple[Claim, ...]

    @property
    def name(self) -> str:
        rates = Rates(self.recipe.conv3x3, fully_connected=self.recipe.fully_connected)
        return f"{self.recipe.net}-{self.recipe.structure}-{rates.short}"


@dataclass(frozen=True)
class Plan:
    """contenders: by label."""

    contenders: Mapping[str, Player]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class _Case(Recipe):
    """As the file has it."""

    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class _File:
    """claims: of all cases."""

    contenders: Mapping[str, Player]
    cases: tuple[_Case, ...]
    claims: tuple[Claim, ...] = ()


def read_plan(path: Path) -> Plan:
    return plans.read(path, _File, _plan)


def choose(plan: Plan, nets: Sequence[str]) -> list[Case]:
    """The cases of these networks; empty means all."""
    for net in nets:
        known("network", net, [case.recipe.net for case in plan.cases])
    return [case for case in plan.cases if not nets or case.recipe.net in nets]


def _plan(file: _File) -> Plan:
    cases = (
        Case(Recipe(c.net, c.structure, c.conv3x3, c.fully_connected), c.claims + file.claims)
        for c in file.cases
    )
    plan = Plan(file.contenders, tuple(cases))
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    once("case", (case.name for case in plan.cases))
    for player in plan.contenders.values():
        known("file", player.file, KINDS)
    for case in plan.cases:
        known("network", case.recipe.net, NETWORKS)
        known("structure", case.recipe.structure, STRUCTURES)
        for claim in case.claims:
            known("kind of claim", claim.kind, CLAIMS)
            known("contender", claim.of, plan.contenders)
            require_loading(claim, plan.contenders)
            if claim.kind == "difference":
                file = plan.contenders[claim.of].file
                alike = (label for label, p in plan.contenders.items() if p.file == file)
                known(f"reference for {claim.of}", claim.over, (TORCH, *alike))
            elif claim.over:
                known("contender", claim.over, plan.contenders)
