"""A model that answers differently with the plugin is an error wherever the two are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patternlite.errors import OutputMismatchError, PatternliteError
from patternlite.runtimes import check, latency
from patternlite.runtimes.latency import Contender, measure_latency


class Answers:
    """A session that answers with its input, and with the plugin a little more."""

    input_shape = (1, 1, 2, 2)

    def __init__(self, plugin: bool) -> None:
        self.plugin = plugin

    def run(self, x: np.ndarray) -> np.ndarray:
        return x + 0.01 * self.plugin

    def invoke(self) -> None:
        raise AssertionError("timed")

    def kernels(self) -> list[str]:
        return ["os-g1"] if self.plugin else []


def test_it_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "open_session", lambda *_, plugin, **__: Answers(plugin))
    contenders = [Contender("stock", Path("net.mnn")), Contender("plugin", Path("net.mnn"), plugin=True)]
    with pytest.raises(OutputMismatchError, match=r"net\.mnn in mnn with the plugin: outputs differ by"):
        measure_latency("mnn", contenders, threads=1, seconds=1)


def test_stock_that_answers_with_nan_is_not_the_plugin_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Damaged(Answers):
        def run(self, x: np.ndarray) -> np.ndarray:
            return x * np.nan

    monkeypatch.setattr(latency, "open_session", lambda *_, plugin, **__: Damaged(plugin))
    contenders = [Contender("stock", Path("net.mnn")), Contender("plugin", Path("net.mnn"), plugin=True)]
    with pytest.raises(PatternliteError, match=r"net\.mnn answers with NaN or infinity in stock mnn"):
        measure_latency("mnn", contenders, threads=1, seconds=1)


def test_it_is_a_failed_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "open_session", lambda *_, plugin: Answers(plugin))
    with pytest.raises(OutputMismatchError, match="one convolution: outputs differ"):
        check.probe("mnn")
