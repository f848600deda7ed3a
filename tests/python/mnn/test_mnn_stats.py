"""patternlite.mnn.stats: of what uses the plugin; an error for what does not."""

from __future__ import annotations

import mnn_runs
import pytest


def test_what_mnn_runs_alone(models, fresh_process):
    words = fresh_process.call(mnn_runs.stats_refusals, models("residual").path)
    module = words.pop("a module")
    assert module.startswith("TypeError: ")
    assert "the runtime manager that it was loaded with" in module
    assert len(words) == 5
    for text in words.values():
        assert text.startswith("NotUsedError: MNN runs this session alone")
        assert "register() first" in text


def test_sessions_of_one_runtime(models, process):
    first, second = process.call(mnn_runs.shared_runtime, models("residual").path, models("vgg").path)
    assert (len(first), len(second)) == (7, 4)


@pytest.mark.parametrize("kind", ["Session", "Module"])
def test_each_layer(kind, models, process):
    model = models("alternating")
    stats = process.call(mnn_runs.session_stats, model.path, model.x, kind, force=False)
    assert [layer["kernel"] == "stock" for layer in stats.layers] == [False, True] * 3
    assert [layer["reason"] for layer in stats.layers] == ["pattern", "dense:too-few-zeros"] * 3
    assert stats.isa
    lines = str(stats).splitlines()
    assert len(lines) == 8
    assert "3 of 6 layers run in patternlite" in lines[-1]


def test_a_model_that_is_left_alone(models, process):
    """The session uses the plugin, which takes nothing."""
    stats = process.call(mnn_runs.session_stats, models("dense").path, models("dense").x, force=False)
    assert [layer["kernel"] for layer in stats.layers] == ["stock"] * 2
    assert (stats.isa, stats.activation_bytes, stats.conversions) == ("", 0, 0)
