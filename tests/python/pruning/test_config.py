"""What a config takes, and what it says of what it does not."""

from __future__ import annotations

import pytest

from patternlite.pruning import PruneConfig
from patternlite.pruning.config import RetrainConfig

UNIT = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


def test_one_name_and_whole_numbers_are_taken_for_what_they_mean():
    config = PruneConfig(rate=4, kinds="3x3", dense="layer.1", mean=[0, 0, 0], std=[1, 1, 1])
    assert (config.kinds, config.dense) == (("3x3",), ("layer.1",))
    assert config == PruneConfig(rate=4.0, dense=("layer.1",), mean=(0.0,) * 3, std=(1.0,) * 3)
    assert repr(config) == repr(PruneConfig(rate=4.0, dense=("layer.1",), mean=(0.0,) * 3, std=(1.0,) * 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "set rate, macs or latency"),
        ({"rate": 1.0}, "set rate, macs or latency"),
        ({"rate": 4.0, "structure": "g8"}, "structure is 'g8': choose auto, free, c2"),
        ({"rate": 4.0, "kinds": ("3x3", "dense")}, "kinds holds 'dense'"),
        ({"rate": 4.0, "kinds": ("3x3s",)}, "kinds holds '3x3s'"),
        ({"rate": 4.0, "kinds": ("3x3", "x3")}, "kinds holds 'x3'"),
        ({"rate": 100.0}, r"rate is 100\.0: it must be in 1\.0\.\.45\.0"),
        ({"rate": 4.0, "patterns": 513}, r"patterns is 513"),
        (
            {"rate": 4.0, "source": "real"},
            r"source is 'real': choose one of mix, leaves, pink, gaussian, uni",
        ),
        ({"rate": 4.0, "std": (1.0, 0.0, 1.0)}, "std must be positive"),
        ({"rate": 4.0, "std": (1.0,)}, "mean has 3 channels, std 1"),
        ({"rate": 4.0, "kinds": ()}, "kinds is empty"),
        ({"rate": 4.0, "images": 64.5}, r"images is 64\.5: it must be a whole number"),
        ({"rate": 4.0, "seed": "1"}, "seed is '1': it must be a whole number"),
        ({"rate": 4.0, "threads": float("nan")}, "threads is nan: it must be a whole number"),
        ({"rate": 4.0, "threads": None}, "threads is None: it must be a whole number"),
        ({"rate": 4.0, "seed": [1]}, r"seed is \[1\]: it must be a whole number"),
        ({"rate": "fast"}, "rate is 'fast': it must be a number"),
        ({"rate": 4.0, "mean": 0.5}, r"mean is 0\.5: give a number for each channel"),
        ({"rate": 4.0, "mean": "012"}, "mean is '012': give a number for each channel"),
        (
            {"rate": 4.0, "mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)},
            r"they are those of pixels in 0\.\.1\. Divide those of 0\.\.255 by 255",
        ),
        ({"rate": 4.0, "dense": None}, "dense holds None: give names"),
        ({"rate": 4.0, "kinds": (3,)}, "kinds holds 3: give names"),
        ({"rates": 4.0}, "unknown option rates; known: mean, std, rate"),
    ],
)
def test_a_bad_config_says_what_to_do(options, message):
    with pytest.raises(ValueError, match=message):
        PruneConfig.from_dict({**UNIT, **options})


def test_pixels_in_0_to_255_are_divided_before():
    """As a model may ask for that takes them: mean 0 and std 1 / 255."""
    PruneConfig(rate=4.0, mean=(0.0,) * 3, std=(1 / 255,) * 3)
    with pytest.raises(ValueError, match="by 255"):
        RetrainConfig(mean=(127.5,), std=(127.5,))
