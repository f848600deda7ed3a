"""A program that is told to stop, or killed, leaves neither processes nor half-written files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patternlite.runtimes.check import PROBES

from .command_line import PRUNE

_SECONDS = 60.0  # until something has happened, at most


def wait_until(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _SECONDS
    while not happened():
        assert time.monotonic() < end, f"not in {_SECONDS:.0f} s: {what}"
        time.sleep(0.05)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Begins a program in a process group of its own."""
    begun = []

    def make(*arguments: str | Path, **options: Any) -> subprocess.Popen:
        command = [sys.executable, *map(str, arguments)]
        begun.append(subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **options))
        return begun[-1]

    yield make
    for process in begun:
        process.kill()
        process.wait()


def alive_in(group: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # gone meanwhile
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(path.parent.name))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_bench_takes_its_process_with_it(begin, number: signal.Signals) -> None:
    pytest.importorskip("MNN")
    bench = begin("-m", "patternlite", "bench", PROBES / "probe.mnn", "--seconds", "600", "--threads", "1")
    wait_until(lambda: len(alive_in(bench.pid)) > 2, "a process for the runtime, and what tracks it")
    os.kill(bench.pid, number)
    code = bench.wait(_SECONDS)
    assert code == (128 + number if number == signal.SIGTERM else -number)
    wait_until(lambda: not alive_in(bench.pid), "all its processes gone")


_CONVERT = """
import sys, torch
from patternlite.pruning.convert import to_onnx
to_onnx(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU()).eval(), (1, 3, 16, 16), "net.onnx")
"""


@linux
def test_convert_cleans_up(begin, tmp_path: Path) -> None:
    pytest.importorskip("onnx2tf")
    assert begin("-c", _CONVERT).wait(_SECONDS) == 0
    (tmp_path / "out").mkdir()
    convert = begin("-m", "patternlite", "convert", "net.onnx", "out/net.tflite")
    wait_until(lambda: any((tmp_path / "out").glob(".net-*")), "a folder to work in")
    os.kill(convert.pid, signal.SIGTERM)
    assert convert.wait(_SECONDS) == 128 + signal.SIGTERM
    assert list((tmp_path / "out").iterdir()) == []
    assert alive_in(convert.pid) == []


_SLOW_MODEL = """
import time
from pathlib import Path

def net():
    Path("began").touch()
    time.sleep(600)
"""


def test_a_stop_is_not_taken_for_the_users_exit(begin, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "slow_net_of_test.py").write_text(_SLOW_MODEL)
    arguments = "-m", "patternlite", "prune", "slow_net_of_test:net", *PRUNE, "--output", "out"
    prune = begin(*arguments, stderr=subprocess.PIPE, text=True)
    wait_until((tmp_path / "began").exists, "a model in the making")
    prune.terminate()
    _, told = prune.communicate(timeout=_SECONDS)
    assert (prune.returncode, told) == (128 + signal.SIGTERM, "")


_DEMO = """
import os, time
from pathlib import Path
from types import SimpleNamespace
from patternlite.commands import cli
from patternlite.demo import pipeline

def forever(*_):
    Path(f"began-{os.getpid()}").touch()
    time.sleep(600)

def no_files(models, suffixes, output, stages):
    return {(variant, suffix): output for variant in models for suffix in suffixes}

if __name__ == "__main__":
    pipeline.RUNTIMES = [r for r in pipeline.RUNTIMES if r.name != "tensorflow"]  # which is slow
    pipeline._prune = lambda *_: SimpleNamespace(model=None, masks=None)
    pipeline._convert, pipeline.classify = no_files, forever
    cli.main()
"""


@linux
def test_the_demo_stops_while_runtimes_are_compared(begin, tmp_path: Path) -> None:
    for package in ("MNN", "onnxruntime", "onnx2tf", "matplotlib", "jinja2", "PIL"):
        pytest.importorskip(package)
    (tmp_path / "program.py").write_text(_DEMO)
    demo = begin("program.py", "demo", "--output", "out")
    wait_until(lambda: any(tmp_path.glob("began-*")), "a runtime at work")
    os.kill(demo.pid, signal.SIGTERM)
    assert demo.wait(_SECONDS) == 128 + signal.SIGTERM
    wait_until(lambda: not alive_in(demo.pid), "all its processes gone")
