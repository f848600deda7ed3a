"""A demo result with made-up figures, for tests of what is drawn from it."""

from __future__ import annotations

import numpy as np
import pytest

from patternlite.layers import Layer
from patternlite.pruning import Fidelity, LayerReport, PruneReport
from patternlite.pruning.model.norm_statistics import Gap
from patternlite.report.results import (
    PLUGIN_DENSE,
    PLUGIN_PRUNED,
    STOCK_DENSE,
    STOCK_PRUNED,
    DemoResult,
    Example,
    FileSize,
    RuntimeAgreement,
)
from patternlite.runtimes.latency import Latency
from patternlite.runtimes.machine import Machine
from patternlite.runtimes.timing import Timing

RUNTIMES = {"tflite-runtime": 3.0, "ai-edge-litert": 3.6, "tensorflow": 3.3, "mnn": 4.4}


def latencies() -> tuple[Latency, ...]:
    entries = []
    for runtime, dense in RUNTIMES.items():
        for threads in (1, 2):
            for label, factor in ((STOCK_DENSE, 1.0), (STOCK_PRUNED, 0.99), (PLUGIN_PRUNED, 0.25)):
                ms = dense * factor / threads**0.8
                plugin = label == PLUGIN_PRUNED
                timing = Timing(ms, 1.1 * ms, 1.6 * ms, 240)
                entries.append(Latency(runtime, threads, label, plugin, timing, 3e-7 if plugin else None))
    return tuple(entries)


def layers() -> tuple[Layer, ...]:
    stem = Layer(
        "conv1", "conv3x3", 32, 3, 32, 32, 884736, 884736, 1.0, 1, "dense:too-few-zeros", "stock", 0
    )  # fmt: skip
    found = [stem]
    for stage, (width, side) in enumerate(((32, 32), (64, 16), (128, 8), (256, 4))):
        for conv in range(4):
            macs = float(width * width * 9 * side * side)
            kept = macs / (2.5 + stage)
            name = f"stages.{stage}.{conv // 2}.conv{conv % 2 + 1}"
            size = (width, width, side, side)
            found.append(Layer(name, "conv3x3", *size, macs, kept, 0.6, 8, "pattern", "is-c1", 4321))
    return tuple(found)


def pruning() -> PruneReport:
    """Four layers of 4600 weights and MACs; 4.6 and 4 times fewer on the whole."""
    found = [
        LayerReport(
            name=f"stages.{i}.conv",
            shape=(46, 100, 1, 1),
            structure="free",
            kernels=kept,
            weights=kept,
            dense_macs=4600,
            macs=macs,
            patterns={"110/110/000": 500 - i, "011/011/000": 400 - i},
            relative_error=0.0123 * (i + 1),
            residuals=[(0.5 / (stage + 1), 0.1 / (stage + 1)) for stage in range(3)],
            seconds=0.5,
        )
        for i, (kept, macs) in enumerate(((1600, 1700), (1200, 1400), (800, 1000), (400, 500)))
    ]
    fidelity = Fidelity(128, relative_error=0.04, divergence=0.02, agreement=0.953)
    return PruneReport(found, {"stem": "first convolution"}, 2_000_000, Gap(0.05, 0.04), fidelity)


@pytest.fixture(scope="session")
def result() -> DemoResult:
    labels = (STOCK_DENSE, PLUGIN_DENSE, STOCK_PRUNED, PLUGIN_PRUNED)
    accuracy = dict(zip(labels, (0.912, 0.912, 0.903, 0.903), strict=True))
    difference = {PLUGIN_DENSE: 2e-7, PLUGIN_PRUNED: 3e-7}
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    return DemoResult(
        date="2026-01-02 03:04 UTC",
        machine=Machine("A CPU & more", 2, ("AVX-512", "AVX2"), "Linux 6 x86_64", "3.11.9"),
        versions={"patternlite": "0.1.0", "torch": None, "mnn": "3.6.1"},
        settings={"rate": 4.0, "seed": 0},
        images=1000,
        dense_accuracy=0.912,
        pruned_accuracy=0.903,
        pruning=pruning(),
        agreements=tuple(RuntimeAgreement(r, "1.0", accuracy, difference) for r in RUNTIMES),
        files=tuple(
            FileSize(f"{variant}.{kind}", variant, 11_200_000, packed)
            for kind in ("tflite", "mnn")
            for variant, packed in (("dense", 10_300_000), ("pruned", 3_100_000))
        ),
        latencies=latencies(),
        layers=layers(),
        stages=(("Pruning", 80.0), ("Timing", 40.0)),
        load=1.2,
        missing={"other": "pip install other"},
        examples=tuple(Example(pixels, "cat", "cat", "dog" if i % 3 else "cat") for i in range(12)),
    )
