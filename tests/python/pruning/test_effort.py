from __future__ import annotations

from dataclasses import replace

from patternlite.pruning import PruneConfig
from patternlite.pruning.effort import image_count
from patternlite.pruning.graph import Trace


def test_large_maps_get_fewer_images():
    config = PruneConfig(rate=4.0, mean=(0.5,) * 3, std=(0.25,) * 3)
    small, large, huge = (Trace([], [], {}, [], 1, values) for values in (2**14, 2**20, 2**26))
    assert [image_count(config, trace) for trace in (small, large, huge)] == [512, 128, 64]
    assert image_count(replace(config, images=100), huge) == 100
