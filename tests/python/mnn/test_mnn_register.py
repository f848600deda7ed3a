"""Registration: what it refuses, in which words, and that MNN still works then."""

from __future__ import annotations

import shutil
import subprocess

import mnn_guards
import mnn_runs
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (mnn_guards.foreign_version, ["This is MNN 3.6.1", "Supported: MNN 9.9.9", "pip install mnn==9.9.9"]),
        (
            mnn_guards.engine_not_loaded,
            ["not loaded from '/nowhere/_mnncengine.so'", "pip install mnn==3.6.1"],
        ),
        (mnn_guards.not_an_engine, ["does not export", "pip install mnn==3.6.1"]),
        (mnn_guards.mnn_missing, ["pip install 'patternlite[mnn]'"]),
    ],
)
def test_refused(attempt, words, fresh_process):
    message = fresh_process.call(attempt)
    for word in words:
        assert word in message


# Exports what the plugin asks for; the CPU's runtime creator is what CREATOR says.
IMPOSTOR = """
void *_ZN3MNN25MNNGetExtraRuntimeCreatorE14MNNForwardType(int type) {
  extern void *malloc(unsigned long);
  static void *elsewhere[8];
  static void *object[1];
  for (int i = 0; i < 8; ++i) elsewhere[i] = (void *)malloc;
  object[0] = elsewhere;
  return CREATOR;
}
const char *_ZN3MNN10getVersionEv(void) { return "3.6.1"; }
#define NOTHING(name) int name(void) { return 0; }
NOTHING(_ZN3MNN28MNNInsertExtraRuntimeCreatorE14MNNForwardTypePKNS_14RuntimeCreatorEb)
NOTHING(_ZN3MNN11TensorUtils11getDescribeEPKNS_6TensorE)
NOTHING(_ZN3MNN11TensorUtils17getDescribeOriginEPKNS_6TensorE)
NOTHING(_ZNK3MNN7Session7getInfoENS_11Interpreter15SessionInfoCodeEPv)
NOTHING(_ZNK3MNN7Session8getInputEPKc)
NOTHING(_ZN3MNN7Express8Executor14RuntimeManager7getInfoENS_11Interpreter15SessionInfoCodeEPv)
NOTHING(_ZN3MNN7Backend15onAcquireBufferEPKNS_6TensorENS0_11StorageTypeE)
NOTHING(_ZN3MNN7Backend15onReleaseBufferEPKNS_6TensorENS0_11StorageTypeE)
NOTHING(_ZN3MNN6Tensor12createDeviceERKSt6vectorIiSaIiEE13halide_type_tNS0_13DimensionTypeE)
NOTHING(_ZN3MNN6Tensor6createERKSt6vectorIiSaIiEE13halide_type_tPvNS0_13DimensionTypeE)
NOTHING(_ZN3MNN6Tensor7destroyEPS0_)
NOTHING(_ZN3MNN10ThreadPool4initEimRPS0_)
NOTHING(_ZN3MNN10ThreadPool7enqueueEPSt4pairISt8functionIFviEEiEi)
NOTHING(WEIGHTS)
"""
WEIGHTS = (
    "_ZN3MNN17ConvolutionCommon17getConvParametersEPSt10shared_ptrINS0_10Int8CommonEE"
    "PNS_7BackendEPKNS_2OpEPPKfPi"
)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("creator", ["0", "object"])
def test_laid_out_differently(creator, tmp_path, fresh_process):
    """No runtime creator, or one whose functions are not the engine's own."""
    source, library = tmp_path / "impostor.c", str(tmp_path / "impostor.so")
    source.write_text(IMPOSTOR)
    macros = [f"-DCREATOR={creator}", f"-DWEIGHTS={WEIGHTS}"]
    subprocess.run(["cc", "-shared", "-fPIC", *macros, str(source), "-o", library], check=True)
    message = fresh_process.call(mnn_guards.impostor, library)
    assert "laid out differently: there is no CPU runtime" in message
    assert "pip install mnn==3.6.1" in message


def test_mnn_works_on_after_a_refusal(models, fresh_process):
    model = models("dense")
    (before,) = fresh_process.call(mnn_runs.stock, model.path, model.x)
    fresh_process.call(mnn_guards.foreign_version)
    (after,) = fresh_process.call(mnn_runs.stock, model.path, model.x)
    np.testing.assert_array_equal(before, after)


def test_twice_is_once(fresh_process):
    assert fresh_process.call(mnn_guards.twice) == [8, 8]


def test_after_a_refusal(fresh_process):
    refusal, backend = fresh_process.call(mnn_guards.after_a_refusal)
    assert "9.9.9" in refusal
    assert backend == 8
