"""What progress bars go by, against what the stages took where they were timed."""

from __future__ import annotations

import pytest

from patternlite.demo.network import INPUT_SHAPE, MEAN, STD, load_network
from patternlite.pruning import PruneConfig, effort
from patternlite.pruning.batch_sizes import image_count
from patternlite.pruning.model.graph import trace

# Seconds of a run on two cores, of demo-2026-11-30-amd.json.
TOOK = {
    "time": 11.3,
    "draw": 0.2,
    "refine": 23.7,
    "measure": 31.2,
    "prune": 27.1,
    "distill": 11.3,
    "compare": 0.4,
}


def test_stages_have_the_shares_that_they_took():
    config = PruneConfig(latency=2.5, mean=MEAN, std=STD)
    found = trace(load_network(), INPUT_SHAPE, config.dense, config.kinds)
    costs = effort.costs(config, found, image_count(config, found), INPUT_SHAPE)
    assert list(costs) == list(TOOK)
    shares = {stage: sum(cost.values()) if isinstance(cost, dict) else cost for stage, cost in costs.items()}
    for stage, seconds in TOOK.items():
        assert shares[stage] / sum(shares.values()) == pytest.approx(seconds / sum(TOOK.values()), abs=0.05)
