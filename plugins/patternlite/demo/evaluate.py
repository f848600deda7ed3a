"""A runtime's answers on real images, stock and with the plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..report.results import PLUGIN_DENSE, PLUGIN_PRUNED, STOCK_DENSE, STOCK_PRUNED, RuntimeAgreement
from ..runtimes.installed import runtime_named
from ..runtimes.latency import TOLERANCE
from ..runtimes.sessions import open_session
from ..runtimes.timing import require_equal


def classify(runtime_name: str, dense: Path, pruned: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Label -> logits (N, classes): both files, stock and with the plugin, on one thread.

    images: float32 (N, C, H, W), normalised.
    """
    runtime = runtime_named(runtime_name)
    runs = (
        (STOCK_DENSE, dense, False),
        (PLUGIN_DENSE, dense, True),
        (STOCK_PRUNED, pruned, False),
        (PLUGIN_PRUNED, pruned, True),
    )
    logits = {}
    for label, path, plugin in runs:
        session = open_session(runtime, path, plugin=plugin)
        logits[label] = np.stack([session.run(image[None])[0] for image in images])
    return logits


def agreement(runtime_name: str, logits: Mapping[str, np.ndarray], labels: np.ndarray) -> RuntimeAgreement:
    """Accuracies, and how far the plugin's answers are from stock's; OutputMismatchError if too far."""
    difference = {
        plugin: require_equal(f"{plugin} in {runtime_name}", logits[stock], logits[plugin], TOLERANCE)
        for plugin, stock in ((PLUGIN_DENSE, STOCK_DENSE), (PLUGIN_PRUNED, STOCK_PRUNED))
    }
    accuracy = {label: float((values.argmax(1) == labels).mean()) for label, values in logits.items()}
    return RuntimeAgreement(runtime_name, runtime_named(runtime_name).version or "", accuracy, difference)
