"""Plans of accuracy: which networks are pruned how, who retrains them, and what must come out (TOML)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patternlite.pruning import PruneConfig
from patternlite.pruning.config import RetrainConfig

from .. import plans
from .training import Phase

NOBODY = "none"  # the client who does not exist: the model as pruned


@dataclass(frozen=True)
class Network:
    """model: as for `patternlite prune`.  mean, std: of pixels in 0..1.

    training: how the network is trained first, where no weights are given.
    trained: whether the model comes with weights that are right; without either, weights must be given.
    """

    model: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    training: tuple[Phase, ...] = ()
    trained: bool = False


@dataclass(frozen=True)
class Client:
    """Who retrains.  images: how many, None for all.  rate: the peak of the learning rate."""

    epochs: int
    rate: float
    batch: int
    images: int | None = None


@dataclass(frozen=True)
class Must:
    """A claim.  least: percent right, at least.  drop: points lost, at most."""

    least: float | None = None
    drop: float | None = None

    def limit(self, dense: float) -> float:
        """The least accuracy, 0..1, given the dense model's."""
        return self.least / 100 if self.least is not None else dense - (self.drop or 0.0) / 100


@dataclass(frozen=True)
class Case:
    """budget: options of PruneConfig, such as {"rate": 4.0}.  must: client -> claim, for the first recipe."""

    network: str
    budget: Mapping[str, float]
    recipes: tuple[str, ...]
    must: Mapping[str, Must] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.network} {', '.join(f'{key} {value:g}x' for key, value in self.budget.items())}"


@dataclass(frozen=True)
class Plan:
    networks: Mapping[str, Network]
    recipes: Mapping[str, Mapping[str, Any]]
    clients: Mapping[str, Client]
    cases: tuple[Case, ...]

    def pruning(self, case: Case, recipe: str, seed: int) -> PruneConfig:
        network = self.networks[case.network]
        options = {**self.recipes[recipe], **case.budget}
        return PruneConfig.from_dict({**options, "mean": network.mean, "std": network.std, "seed": seed})

    def retraining(self, case: Case, client: str, seed: int) -> RetrainConfig:
        network, c = self.networks[case.network], self.clients[client]
        return RetrainConfig(
            mean=network.mean,
            std=network.std,
            epochs=c.epochs,
            learning_rate=c.rate,
            batch=c.batch,
            seed=seed,
        )


@dataclass(frozen=True)
class Job:
    """One row to measure."""

    case: Case
    recipe: str
    client: str
    seed: int

    def __str__(self) -> str:
        retrained = "" if self.client == NOBODY else f", {self.client}"
        return f"{self.case.name}, {self.recipe}{retrained}, seed {self.seed}"


def read_plan(path: Path) -> Plan:
    return plans.read(path, Plan, _checked)


def _checked(plan: Plan) -> Plan:
    """Tries all settings, so that an error shows now and not after hours."""
    plans.once("case", (case.name for case in plan.cases))
    for case in plan.cases:
        plans.known("network", case.network, plan.networks)
        if not case.recipes:
            raise ValueError(f"{case.name}: give recipes")
        for recipe in case.recipes:
            plans.known("recipe", recipe, plan.recipes)
            plan.pruning(case, recipe, seed=0)
        for client, must in case.must.items():
            plans.known("client", client, (NOBODY, *plan.clients))
            if client != NOBODY:
                plan.retraining(case, client, seed=0)
            if (must.least is None) == (must.drop is None):
                raise ValueError(f"{case.name}: give each of must either least or drop")
    return plan


def jobs(
    plan: Plan, cases: Sequence[str], recipes: Sequence[str], clients: Sequence[str], seeds: Sequence[int]
) -> list[Job]:
    """Everything that the plan asks for, restricted to what is named; empty means all.

    cases: the beginning of a case's name is enough. A client works on the cases that have a claim for it. All
    jobs of one seed come before those of the next, so that a run that is cut short has something of each.
    """
    plans.once("seed", map(str, seeds))
    for recipe in recipes:
        plans.known("recipe", recipe, plan.recipes)
    for client in clients:
        plans.known("client", client, [NOBODY, *plan.clients])
    for name in cases:
        if not any(case.name.startswith(name) for case in plan.cases):
            plans.known("case", name, [case.name for case in plan.cases])
    chosen = [c for c in plan.cases if not cases or any(c.name.startswith(name) for name in cases)]
    return list(_jobs(chosen, recipes, [NOBODY, *plan.clients], clients, seeds))


def _jobs(
    cases: Sequence[Case],
    recipes: Sequence[str],
    known_clients: Sequence[str],
    clients: Sequence[str],
    seeds: Sequence[int],
) -> Iterator[Job]:
    for seed in seeds:
        for client in (c for c in known_clients if c in clients or not clients):
            for case in (c for c in cases if client == NOBODY or client in c.must):
                for recipe in (r for r in case.recipes if r in recipes or not recipes):
                    yield Job(case, recipe, client, seed)
