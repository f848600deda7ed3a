"""The demo's result as plain data, which report.json holds and every view is drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers import Layer
from ..runtimes.latency import Latency, speed_up
from ..runtimes.machine import Machine
from ..support.files import write_atomically

if TYPE_CHECKING:
    from patternlite.pruning import PruneReport

STOCK_DENSE, STOCK_PRUNED, PLUGIN_DENSE, PLUGIN_PRUNED = (
    "stock, dense",
    "stock, pruned",
    "plugin, dense",
    "plugin, pruned",
)


@dataclass(frozen=True)
class FileSize:
    """A model file.  variant: "dense" or "pruned".  gzip_bytes: after gzip -9."""

    name: str
    variant: str
    bytes: int
    gzip_bytes: int


@dataclass(frozen=True)
class RuntimeAgreement:
    """One runtime on the real images.

    accuracy: label (STOCK_DENSE, ...) -> fraction of the images classified right.
    difference: label of a plugin run -> largest difference from the stock output, over that output's range.
    """

    runtime: str
    version: str
    accuracy: Mapping[str, float]
    difference: Mapping[str, float]


@dataclass(frozen=True)
class Example:
    """One real image, its class and the two networks' answers.  pixels: uint8 (3, H, W)."""

    pixels: np.ndarray
    label: str
    dense: str
    pruned: str


@dataclass(frozen=True)
class DemoResult:
    """Everything the demo found out.

    pruning: what was done to the network.
    load: the machine's load average when the timing ended.
    missing: runtime that is not installed -> pip command.
    stages: (name, seconds) in order.  settings: the options it ran with.
    """

    date: str
    machine: Machine
    versions: Mapping[str, str | None]
    settings: Mapping[str, Any]
    images: int
    dense_accuracy: float
    pruned_accuracy: float
    pruning: PruneReport
    agreements: tuple[RuntimeAgreement, ...]
    files: tuple[FileSize, ...]
    latencies: tuple[Latency, ...]
    layers: tuple[Layer, ...]
    stages: tuple[tuple[str, float], ...]
    load: float
    missing: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether other programs took much of the machine while the demo timed."""
        return self.load > max(threads for _, threads in self.cases()) + 1

    def latency(self, runtime: str, threads: int, label: str) -> Latency:
        for entry in self.latencies:
            if (entry.runtime, entry.threads, entry.label) == (runtime, threads, label):
                return entry
        raise KeyError((runtime, threads, label))

    def cases(self) -> list[tuple[str, int]]:
        """The (runtime, threads) measured, in order."""
        return list(dict.fromkeys((entry.runtime, entry.threads) for entry in self.latencies))

    def speed_ups(self, runtime: str, threads: int) -> tuple[float, float]:
        """The plugin's, on the pruned file, over (stock on the dense file, stock on the same file)."""
        plugin = self.latency(runtime, threads, PLUGIN_PRUNED)
        return tuple(
            speed_up(self.latency(runtime, threads, label), plugin) for label in (STOCK_DENSE, STOCK_PRUNED)
        )  # type: ignore[return-value]

    def to_json(self) -> dict[str, Any]:
        """Plain data; the example images stay in the HTML page."""
        data = asdict(self) | {"pruning": self.pruning.to_dict()}
        del data["examples"]
        data["speed_ups"] = [
            {"runtime": runtime, "threads": threads, "over_stock_dense": dense, "over_stock_pruned": pruned}
            for runtime, threads in self.cases()
            for dense, pruned in [self.speed_ups(runtime, threads)]
        ]
        return data


def write_json(result: DemoResult, path: Path) -> None:
    write_atomically(path, json.dumps(result.to_json(), indent=2) + "\n")
