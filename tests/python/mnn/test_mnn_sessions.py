"""Sessions over their lives: resized, cloned, side by side, and left open when Python ends."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import mnn_report_runs
import mnn_runs
import numpy as np
import pytest
from mnn_runs import error

from patternlite.errors import PatternliteError
from patternlite.runtimes.check import PROBES
from patternlite.runtimes.installed import runtime_named
from patternlite.runtimes.latency import Contender, measure_latency
from patternlite.runtimes.sessions import open_session
from tests.python.tflite.stepping_clock import readings

SHAPES = [(2, 20, 33, 18), (1, 20, 7, 9), (3, 20, 40, 41), (1, 20, 17, 19)]


@pytest.fixture
def inputs():
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape, np.float32) for shape in SHAPES]


@pytest.mark.parametrize("run", [mnn_runs.ours, mnn_runs.our_module])
def test_resized(run, inputs, models, process):
    model = models("residual")
    actual, _ = process.call(run, model.path, 2, model.x, *inputs)
    for got, expected in zip(actual, process.call(mnn_runs.stock, model.path, model.x, *inputs), strict=True):
        assert error(got, expected) < 1e-4


def test_layers_are_told_at_the_present_size(inputs, models, process):
    model = models("residual")
    _, rows = process.call(mnn_runs.ours, model.path, 1, model.x, *inputs[:3])
    assert (rows[0]["height"], rows[0]["width"]) == (40, 41)
    assert rows[0]["dense_macs"] == pytest.approx(24 * 20 * 9 * 40 * 41)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_new_sizes_share_the_time_to_try_kernels(models, tmp_path):
    """Twelve sizes, each with the time of one, would be more readings of the clock."""
    program = f"""
import mnn_sessions, numpy as np
session = mnn_sessions.Session({models("wide").path!r}, mnn_sessions.plugin(force=False))
for size in range(20, 32):
    session.set_input(np.zeros((1, 256, size, size), np.float32))
"""
    budget = 200
    assert budget < readings(program, tmp_path) < 4 * budget


def test_module_given_a_number(models, fresh_process):
    """`load_module_from_file(..., backend=8)`, which MNN takes for Metal, is no silent fallback."""
    model = models("residual")
    actual, ours, stock = fresh_process.call(mnn_runs.module_of_number, model.path, model.x)
    assert error(actual, model.expected) < 2e-6
    np.testing.assert_array_equal(actual, ours)
    assert not np.array_equal(actual, stock)


@pytest.mark.parametrize(
    "options",
    [[], ["--saveExternalData"], ["--fp16"], ["--weightQuantBits", "8"], ["--detectSparseSpeedUp"]],
)
def test_cloned(options, inputs, models, process):
    model = models("residual", *options)
    x = [model.x, *inputs]
    originals, clones, rows = process.call(mnn_runs.original_and_clone, model.path, *x)
    for got, expected in zip(
        originals + clones, 2 * process.call(mnn_runs.stock, model.path, *x), strict=True
    ):
        assert error(got, expected) < 1e-4
    assert [row["kernel"] != "stock" for row in rows] == 2 * [True] * 7  # the module's, the clone's


@pytest.mark.parametrize(
    "config",
    [
        {"backend": "HIAI"},  # MNN's names for the plugin's type, and for the best there is
        {"backend": "AUTO"},
        {"precision": "low"},
        {"precision": "high"},
        {"memory": "low"},
        {"power": "low"},
    ],
)
def test_configurations(config, models, process):
    """Each is ours, computes in float32, and has all layers."""
    model = models("residual")
    actual, stats = process.call(mnn_runs.configured, model.path, model.x, **config)
    assert error(actual, model.expected) < 2e-6
    assert [layer["kernel"] != "stock" for layer in stats.layers] == [True] * 7


def test_several_sessions_at_once(models, process):
    model = models("residual")
    # Three: one more than MNN's pool serves, so that one finds no place in it.
    for outputs in process.call(mnn_runs.several_at_once, model.path, 3, 8, model.x):
        for actual in outputs:
            assert error(actual, model.expected) < 2e-6


def test_sessions_are_freed(models, fresh_process):
    model = models("residual")
    assert fresh_process.call(mnn_runs.sessions_left, model.path, model.x) == (3, 0)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
def test_clones_leave_nothing_behind(models, fresh_process):
    model = models("one-position")
    assert fresh_process.call(mnn_report_runs.bytes_left_by_a_clone, model.path, model.x) < 8


@pytest.mark.parametrize("name", ["dense", "dense-5x5", "dense-3x3-stride-2"])
def test_dense_model_is_left_alone(name, models, process):
    """To the bit, even where its layers would pay."""
    model = models(name)
    (actual,), rows = process.call(mnn_runs.ours, model.path, 1, model.x, force=False)
    (stock,) = process.call(mnn_runs.stock, model.path, model.x)
    np.testing.assert_array_equal(actual, stock)
    assert [row["kernel"] for row in rows] == ["stock"] * 2


def test_stock_sessions_are_left_alone(models, fresh_process):
    model = models("residual")
    before, after, beside = fresh_process.call(mnn_runs.stock_beside_plugin, model.path, model.x)
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(before, beside)


@pytest.mark.parametrize("kind", ["Session", "Module"])
def test_python_ends_with_open_sessions(kind, models):
    model = models("residual")
    script = (
        "import sys; sys.path[:0] = eval(sys.argv[1]); import numpy as np, mnn_sessions\n"
        f"net = mnn_sessions.{kind}({model.path!r}, mnn_sessions.plugin(), 2)\n"
        f"mnn_sessions.keep = net; print(net.run(np.ones({model.x.shape}, np.float32)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", script, repr(sys.path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(model.expected.shape) in done.stdout


def test_out_of_memory_is_told(models):
    """MNN's user reads only that the session has no sizes. Zeros beside the map would take 4 GB."""
    model = models.edited("whole-blocks", "Convolution", padMode="SAME", pads=None, dilateX=2**19)
    script = (
        "import sys; sys.path[:0] = eval(sys.argv[1]); import resource, mnn_sessions\n"
        "resource.setrlimit(resource.RLIMIT_AS, (7 << 29, 7 << 29))\n"
        f"mnn_sessions.Session({model.path!r}, mnn_sessions.plugin())"
    )
    done = subprocess.run([sys.executable, "-c", script, repr(sys.path)], capture_output=True, text=True)
    assert 'patternlite: out of memory; create the session with backend "CPU" for this size' in done.stderr


def test_a_size_that_is_refused_leaves_nothing_behind(models, process):
    """Its map, with the zeros beside it, is of more than 2^31 floats."""
    model = models.edited("few-filters", "Convolution", padMode="SAME", pads=None, dilateX=2**14)
    ready, actual, stats = process.call(mnn_runs.after_a_failed_resize, model.path, model.x, 1, 16, 4200, 40)
    assert not ready
    assert [layer["kernel"] != "stock" for layer in stats.layers] == [True]
    (expected,) = process.call(mnn_runs.stock, model.path, model.x)
    assert error(actual, expected) < 1e-4


def test_only_networks_of_one_shape_are_compared(models, process):
    contenders = [Contender("dense", Path(models("residual").path)), Contender("stock", PROBES / "probe.mnn")]
    with pytest.raises(PatternliteError, match="convert both for one shape"):
        process.call(measure_latency, "mnn", contenders, threads=1, seconds=0.1)


def test_an_input_of_another_shape_is_refused():
    session = open_session(runtime_named("mnn"), PROBES / "probe.mnn")
    with pytest.raises(ValueError, match=r"\(1, 32, 8, 8\), the model reads \(1, 32, 16, 16\)"):
        session.run(np.zeros((1, 32, 8, 8), np.float32))
