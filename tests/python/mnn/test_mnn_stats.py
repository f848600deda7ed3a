"""patternlite.mnn.stats: of what uses the plugin; an error for what does not."""

from __future__ import annotations

import mnn_report_runs
import mnn_runs
import pytest

from patternlite.errors import PatternliteError
from patternlite.runtimes.installed import runtime_named
from patternlite.runtimes.sessions import open_session


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


def test_an_instruction_set_is_told_where_one_of_several_modules_runs_here(models, process):
    ours, left = ((models(name).path, models(name).x) for name in ("alternating", "dense"))
    alone = process.call(mnn_report_runs.of_modules, ours)
    for pair in ((ours, left), (left, ours)):
        told = process.call(mnn_report_runs.of_modules, *pair)
        assert len(told.layers) == 8
        assert told.isa == alone.isa != ""


def test_before_there_are_layers(models, fresh_process):
    model, open_model = models("residual"), models("open-shape")
    words = fresh_process.call(mnn_report_runs.before_there_are_layers, model.path, open_model.path, model.x)
    assert "7 of 7 layers run in patternlite" in words.pop("after forward()")
    assert "give the session its input sizes (resizeSession) first" in words.pop("open shape")
    assert len(words) == 3
    for text in words.values():
        assert text.startswith("MNN has made no layers with the plugin yet: load a module with this manager")


def test_a_session_is_found_by_its_output(models, process):
    """Its first input tells nothing where it holds integers."""
    paths = [models(name).path for name in ("residual", "integer-input")]
    first, second = process.call(mnn_report_runs.sharing_a_runtime, *paths)
    assert (len(first), len(second)) == (7, 1)


def test_a_session_that_is_not_found_says_why(models, process):
    for words in process.call(mnn_report_runs.sharing_a_runtime, *[models("integers-about").path] * 2):
        assert "create it without a shared runtime" in words


def test_a_session_without_sizes_has_no_layers_of_others(models, process):
    paths = [models(name).path for name in ("residual", "open-shape")]
    first, second = process.call(mnn_report_runs.sharing_a_runtime, *paths)
    assert len(first) == 7
    assert "give the session its input sizes" in second


@pytest.mark.parametrize("stock", ["vgg", "integer-input", "open-shape"])
def test_a_stock_session_has_no_layers_of_others(stock, models, process):
    paths = [models(name).path for name in ("residual", stock)]
    layers, words = process.call(mnn_report_runs.beside_a_stock_session, *paths)
    assert len(layers) == 7
    expected = "give the session its input sizes" if stock == "open-shape" else "runs this session alone"
    assert expected in words


def test_managers_tell_modules_of_others(models, fresh_process):
    """As stats() says: MNN has one runtime for them."""
    paths = [models(name).path for name in ("Add-channels", "late-operand")]
    x = models("Add-channels").x
    first, second = fresh_process.call(mnn_report_runs.of_two_managers, *paths, x)
    assert first == second
    assert len(first) == 4


def test_control_flow_runs_in_modules(models, process):
    """And nowhere else: `inspect` and `bench` say so."""
    model = models("control-flow")
    told = process.call(mnn_runs.session_stats, model.path, model.x, "Module")
    assert len(told.layers) == 2
    words = r"cannot run .*control.flow.*\.mnn: .* load it with MNN\.nn\.load_module_from_file"
    with pytest.raises(PatternliteError, match=words):
        process.call(mnn_runs.inspect, model.path)
    with pytest.raises(PatternliteError, match=words):
        open_session(runtime_named("mnn"), model.path)


def test_a_clone_has_each_layer_once(models, process):
    model = models("not-cloned", "--groupConvNative")
    alone, both = process.call(mnn_report_runs.of_module_and_clones, model.path, model.x, 1)
    assert [layer["reason"] for layer in alone.layers] == [
        "pattern",
        "pattern",
        "declined:dynamic-weights",
        "pattern",
    ]
    assert both.layers == alone.layers * 2


def test_layers_left_unread_are_told_as_others_are(models, process):
    model = models("depthwise-stride-2")
    (taken,) = process.call(mnn_runs.inspect, model.path)
    options = {"padMode": "SAME", "pads": None, "dilateX": 2**30}
    damaged = models.edited("depthwise-stride-2", "ConvolutionDepthwise", **options)
    (left,) = process.call(mnn_runs.inspect, damaged.path)
    assert (left["reason"], left["kind"], taken["kind"]) == ("declined:window", *["depthwise3x3s2"] * 2)
    assert left["dense_macs"] == taken["dense_macs"]


def test_clones_share_weights(models, process):
    model = models("residual")
    alone, all_three = process.call(mnn_report_runs.of_module_and_clones, model.path, model.x, 2)
    assert all_three.weight_bytes == alone.weight_bytes
    assert all_three.activation_bytes == 3 * alone.activation_bytes
