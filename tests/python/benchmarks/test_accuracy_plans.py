"""The plans of the accuracy tables that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.accuracy.plan import jobs, read_plan

PLAN = Path(__file__).parents[3] / "benchmarks" / "plans" / "accuracy.toml"


@pytest.mark.parametrize("path", [PLAN, PLAN.with_name("codesign.toml"), PLAN.with_name("wide.toml")])
def test_the_plans_that_ship(path: Path) -> None:
    plan = read_plan(path)
    every = jobs(plan, [], [], [], [0, 1, 2])
    assert len({str(job) for job in every}) == len(every)
    assert [job.seed for job in every] == sorted(job.seed for job in every)
    trained = {name for name, network in plan.networks.items() if network.trained}
    assert trained == plan.networks.keys() & {"shipped"}


def test_a_plan_is_restricted_by_name() -> None:
    plan = read_plan(PLAN)
    only = jobs(plan, ["resnet10 rate 8x"], ["ours"], ["thousand"], [0])
    assert [str(job) for job in only] == ["resnet10 rate 8x, ours, thousand, seed 0"]
    with pytest.raises(ValueError, match=r"unknown case 'resnet11'; known: resnet10 rate 2\.25x"):
        jobs(plan, ["resnet10", "resnet11"], [], [], [0])
    with pytest.raises(ValueError, match="unknown client 'all'"):
        jobs(plan, [], [], ["all"], [0])
