"""Runtimes are opened with the threads asked for, and timed on the input given."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from patternlite.errors import PatternliteError
from patternlite.inspection import inspect
from patternlite.runtimes import sessions
from patternlite.runtimes.check import PROBES
from patternlite.runtimes.installed import RUNTIMES, Runtime, runtime_named
from patternlite.runtimes.sessions import open_session
from patternlite.runtimes.timing import timed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The options that stock runtimes are opened with; none of them opens."""
    asked: list[dict] = []

    def open_with(**options) -> None:
        asked.append(options)
        raise RuntimeError("seen")

    class Mnn:
        def __init__(self, _path: str) -> None:
            pass

        def createSession(self, options: dict) -> None:  # noqa: N802
            open_with(**options)

    makers = {"MNN": Mnn, "ai_edge_litert.interpreter": lambda _path, **options: open_with(**options)}
    monkeypatch.setattr(
        sessions.importlib, "import_module", lambda name: SimpleNamespace(Interpreter=makers[name])
    )
    return asked


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
def test_pip_has_no_tflite_runtime_for_later_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {}
    for version in ((3, 11), (3, 12)):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "version_info", version)
            known = runpy.run_module("patternlite.runtimes.installed")["RUNTIMES"]
        names[version] = [runtime.name for runtime in known]
    assert names[3, 11] == ["tflite-runtime", *names[3, 12]]


def test_a_broken_package_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then what is wrong with it is told where it is used, and by the doctor."""
    (tmp_path / "broken_of_test").mkdir()
    (tmp_path / "broken_of_test" / "__init__.py").write_text('raise ImportError("libfoo.so.3 is missing")\n')
    monkeypatch.syspath_prepend(tmp_path)
    for package, installed in (("broken_of_test", True), ("absent_of_test", False)):
        runtime = Runtime(package, f"{package}.interpreter", package, ".tflite")
        assert runtime.installed is installed


@pytest.mark.parametrize(
    ("name", "options"),
    [("ai-edge-litert", {"num_threads": 3}), ("mnn", {"backend": "CPU", "numThread": 3})],
)
def test_stock(asked: list[dict], name: str, options: dict) -> None:
    runtime = runtime_named(name)
    if not runtime.installed:
        pytest.skip(f"{name} is not installed")
    with pytest.raises(PatternliteError, match="seen"):
        open_session(runtime, PROBES / f"probe{runtime.suffix}", threads=3)
    assert asked == [options]


@pytest.mark.parametrize("threads", [0, 257])
def test_threads_that_no_runtime_is_to_be_asked_for(asked: list[dict], threads: int) -> None:
    with pytest.raises(PatternliteError, match=f"threads must be from 1 to 256, not {threads}"):
        open_session(runtime_named("mnn"), PROBES / "probe.mnn", threads=threads)
    assert not asked


def test_the_plugin_in_tflite(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_litert")
    open_session(runtime_named("ai-edge-litert"), PROBES / "probe.tflite", threads=2, plugin=True)
    assert "threads=2" in capfd.readouterr().err


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda r: r.name)
def test_the_kernels_of_the_plugin(runtime: Runtime) -> None:
    if not runtime.installed:
        pytest.skip(f"{runtime.name} is not installed")
    path = PROBES / f"probe{runtime.suffix}"
    assert open_session(runtime, path).kernels() == []
    kernels = open_session(runtime, path, plugin=True).kernels()
    left = [layer["kernel"] == "stock" for layer in inspect(path).layers]
    assert [kernel == "stock" for kernel in kernels] == left and not all(left)


@pytest.mark.parametrize("plugin", [False, True])
@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda r: r.name)
def test_every_timed_call_reads_the_same_input(runtime: Runtime, plugin: bool) -> None:
    """MNN writes over it."""
    if not runtime.installed:
        pytest.skip(f"{runtime.name} is not installed")
    session = open_session(runtime, PROBES / f"probe{runtime.suffix}", plugin=plugin)
    image = np.random.default_rng(0).standard_normal(session.input_shape).astype(np.float32)
    first = session.run(image)
    timed(session.invoke, before=session.restore_input)(3)
    assert np.array_equal(session.output(), first)
