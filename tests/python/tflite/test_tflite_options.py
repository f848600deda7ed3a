"""What `load_delegate` takes."""

from __future__ import annotations

import pytest

from patternlite.tflite import load_delegate

pytest.importorskip("patternlite._native")


def test_an_unknown_option_is_told_the_known_ones() -> None:
    with pytest.raises(
        TypeError, match=r"unknown option num_thread; known: num_threads, isa, .*serialize_dir$"
    ):
        load_delegate(num_thread=2)  # type: ignore[arg-type]
