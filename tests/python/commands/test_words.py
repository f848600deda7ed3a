"""Errors and warnings name the options of the command line."""

from __future__ import annotations

import pytest

from patternlite.commands.words import as_typed


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("for example rate=4.0", "for example --rate 4.0"),
        ("latency=4 is out of reach: 2.31x", "--latency 4 is out of reach: 2.31x"),
        ("near is latency=2.31 and rate=4.10. Ask", "near is --latency 2.31 and --rate 4.10. Ask"),
        ("give kinds=('1x1', 'depthwise'). stem: first", "give --kinds 1x1,depthwise. stem: first"),
        ("kinds=('1x1',)", "--kinds 1x1"),
        ("keep it dense (dense=('a.b',)), or", "keep it dense (--dense a.b), or"),
        ("set distill_steps=0, or", "set --distill-steps 0, or"),
        ("or give images=640", "or give --images 640"),
        ("give a lower learning_rate", "give a lower --learning-rate"),
        ("use more refine_steps", "use more --refine-steps"),
    ],
)
def test_options_of_python_are_typed(said: str, told: str) -> None:
    assert as_typed(said) == told


@pytest.mark.parametrize(
    "said", ["out/rate=4.0/a.mnn is", "rate=4/a.mnn is", "my/refine_steps.py", "a rate of 4"]
)
def test_paths_stay_as_they_are(said: str) -> None:
    assert as_typed(said) == said
