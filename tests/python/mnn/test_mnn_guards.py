"""Each guard of the registration, provoked by an engine that differs from MNN's in one thing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mnn_guards
import pytest

from patternlite.support.isolated import Isolated

SOURCE = Path(__file__).with_name("fake_engine.c")

# The differences of fake_engine.c, in its order, and what the user reads.
DIFFERENCES = {
    "kNoCreator": "there is no CPU runtime",
    "kForeignCreator": "there is no CPU runtime",
    "kNoRuntime": "the CPU runtime's functions are not MNN's",
    "kForeignRuntime": "the CPU runtime's functions are not MNN's",
    "kNoBackend": "the CPU backend's functions are not MNN's",
    "kForeignBackend": "the CPU backend's functions are not MNN's",
    "kOtherRuntime": "the CPU backend does not name its runtime",
    "kOtherType": "the CPU backend has an unknown type",
    "kNoDimensions": "tensors have no dimensions",
    "kOtherExtents": "tensor extents are not where expected",
    "kOtherFormat": "tensor descriptions are not where expected",
    "kOtherUseCount": "tensor descriptions are not where expected",
    "kOtherUsage": "tensor descriptions are not where expected",
    "kOtherQuantisation": "tensor descriptions are not where expected",
    "kOtherRegions": "tensor regions are not where expected",
    "kOtherRegion": "tensor regions are not where expected",
    "kOtherOrigin": "tensors do not name their backend",
    "kNoMemory": "tensors do not name their backend",
    "kHalfFloats": "tensors are not blocks of float32",
    "kNoExecution": "executions cannot be created",
    "kForeignExecution": "executions cannot be created",
    "kOtherExecutionBackend": "executions do not name their backend",
    "kInvalidExecution": "executions do not name their backend",
}

OTHER_THREADS = "patternlite: MNN's threads are not where expected: layers here run on one"

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


def fake(folder: Path, difference: str, *macros: str) -> str:
    library = str(folder / "engine.so")
    command = ["cc", "-shared", "-fPIC", "-w", f"-DBREAK={difference}", *macros, str(SOURCE), "-o", library]
    subprocess.run(command, check=True)
    return library


@pytest.fixture(scope="module")
def unregistered() -> Iterator[Isolated]:
    """A refusal leaves nothing behind, so one process will do for all."""
    with Isolated() as process:
        yield process


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_laid_out_differently(difference, tmp_path, unregistered):
    message = unregistered.call(mnn_guards.impostor, fake(tmp_path, difference))
    assert f"MNN 3.6.1 as installed here is laid out differently: {DIFFERENCES[difference]}" in message
    assert "pip install mnn==3.6.1" in message


def test_the_versions_asked_for_are_advised(tmp_path, unregistered):
    library = fake(tmp_path, "kNoCreator")
    message = unregistered.call(mnn_guards.impostor, library, "3.6.1", "9.9.9")
    assert "Supported: MNN 3.6.1, 9.9.9 (pip install mnn==9.9.9)" in message


def test_all_forward_types_taken(tmp_path, unregistered):
    message = unregistered.call(mnn_guards.impostor, fake(tmp_path, "kAllTypesTaken"))
    assert "Other plugins hold all of MNN's forward types" in message
    assert "register patternlite before them" in message


def test_a_function_missing(tmp_path, unregistered):
    message = unregistered.call(mnn_guards.impostor, fake(tmp_path, "kNone", "-DWITHOUT_WEIGHTS"))
    assert "does not export _ZN3MNN17ConvolutionCommon17getConvParameters" in message


def test_the_fake_is_right_but_for_that(tmp_path, fresh_process):
    """Or the tests above would show nothing."""
    library = fake(tmp_path, "kNone")
    assert fresh_process.call(mnn_guards.impostor, library) == "registered"
    # And where its sessions do not compute in float32 there is none, rather than one of MNN's alone.
    assert fresh_process.call(mnn_guards.creates_runtimes, library) == [True, False, True]
    # Nor is a session of half floats of a runtime of whole ones left to MNN in silence.
    assert fresh_process.call(mnn_guards.creates_backend, library, half=False)
    assert OTHER_THREADS not in fresh_process._log.read_text()
    assert fresh_process.call(mnn_guards.creates_backend, library, half=True)
    words = "MNN runs this session alone: its tensors are not float32; ask for another precision"
    assert words in fresh_process._log.read_text()


def test_other_threads_are_told(tmp_path, fresh_process):
    library = fake(tmp_path, "kOtherThreads")
    assert fresh_process.call(mnn_guards.impostor, library) == "registered"
    fresh_process.call(mnn_guards.creates_runtimes, library)
    assert fresh_process.call(mnn_guards.creates_backend, library, half=False)
    assert OTHER_THREADS in fresh_process._log.read_text()
