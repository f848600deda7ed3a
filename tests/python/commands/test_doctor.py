"""`patternlite doctor`: what it checks, and what it advises."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from patternlite.commands import doctor
from patternlite.errors import PatternliteError, one_line
from patternlite.runtimes import check
from patternlite.runtimes import installed as runtimes
from patternlite.runtimes.sessions import open_session

from .command_line import run

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def in_this_process(what: str, function: Callable[..., str], *args: str) -> check.Check:
    """In place of a process of its own, which would know nothing of what a test hides."""
    try:
        return check.Check(what, "ok", function(*args))
    except Exception as error:
        return check.Check(what, "failed", one_line(error))


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n in modules else real(n, *a))


def test_all_is_well() -> None:
    pytest.importorskip("patternlite._native")
    installed = [runtime for runtime in runtimes.RUNTIMES if runtime.installed]
    if not installed:
        pytest.skip("no runtime is installed")
    result = run("doctor")
    assert result.exit_code == 0, result.output
    for runtime in installed:
        assert f"{runtime.version}, one convolution with the plugin equals stock to" in result.stdout
    assert result.stdout.count("equals stock to") == len(installed)
    assert "✗" not in result.stdout


def test_without_the_native_library_no_runtime_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "patternlite._native", None)
    for module in (doctor, check):
        monkeypatch.setattr(module, "isolated", in_this_process)
    result = run("doctor")
    assert result.exit_code == 1
    assert "pip install --force-reinstall ." in result.stdout
    for runtime in runtimes.RUNTIMES:
        if runtime.installed:
            assert runtime.pip_command not in result.stdout
            assert f"{runtime.version}, cannot be tried without the native library" in result.stdout


@pytest.mark.parametrize(
    ("extra", "module", "package"),
    [
        ("convert", "safetensors", "safetensors"),
        ("convert", "onnx_graphsurgeon", "onnx-graphsurgeon"),
        ("bench", "PIL", "pillow"),
    ],
)
def test_what_an_extra_lacks_is_named(
    extra: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, module)
    found = doctor.check_extra(extra)
    assert found.state == "missing"
    assert package in found.detail
    assert found.fix == f"pip install 'patternlite[{extra}]'"


def test_all_packages_of_an_extra_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    known = {runtime.package.lower() for runtime in runtimes.RUNTIMES}  # which have lines of their own
    for extra in ("convert", "bench"):
        named = set(doctor.check_extra(extra).detail.removeprefix("not installed: ").split(", "))
        assert named == {re.split(r"[^\w-]", package)[0] for package in extras[extra]} - known


def test_it_names_the_command_for_every_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("patternlite._native")
    hide(monkeypatch, *(runtime.module for runtime in runtimes.RUNTIMES))
    result = run("doctor")
    assert result.exit_code == 1
    for runtime in runtimes.RUNTIMES:
        assert runtime.pip_command in result.stdout
    assert "pip install 'patternlite[tflite,mnn]'" in result.stdout
    assert "kernels for generic" in result.stdout


def test_a_probe_that_fails_is_a_failed_check() -> None:
    found = check.check_runtime(runtimes.Runtime("broken", "json", "rich", ".tflite"))
    assert (found.state, found.fix) == ("failed", "pip install rich")
    assert "broken" in found.detail


def test_a_probe_that_the_plugin_leaves_to_mnn_compares_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("MNN")
    monkeypatch.setattr(check, "open_session", lambda *args, plugin: open_session(*args))
    with pytest.raises(PatternliteError, match="leaves one convolution to mnn"):
        check.probe("mnn")
