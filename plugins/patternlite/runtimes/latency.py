"""How long one inference takes, stock and with the plugin, once both are known to give the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import PatternliteError
from .installed import runtime_named
from .sessions import open_session
from .timing import Timing, interleave, require_equal, timed

# Outputs with the plugin must equal the stock runtime's to within this fraction of the output range.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Contender:
    """One model file, run as stock or with the plugin."""

    label: str
    path: Path
    plugin: bool = False


@dataclass(frozen=True)
class Latency:
    """How long one contender took in one runtime.

    difference: from the stock output of the same file, over that output's range; None for stock itself.
    """

    runtime: str
    threads: int
    label: str
    plugin: bool
    timing: Timing
    difference: float | None


def measure_latency(
    runtime_name: str,
    contenders: Sequence[Contender],
    *,
    threads: int,
    seconds: float,
    image: np.ndarray | None = None,
) -> list[Latency]:
    """Interleaved latencies of the contenders in one runtime.

    image: float32 (N, C, H, W), N the model's own batch; None draws normally distributed values of
        the model's own shape.
    Raises OutputMismatchError before any timing if the plugin's answer differs from stock's.
    """
    runtime = runtime_named(runtime_name)
    sessions = {c.label: open_session(runtime, c.path, threads=threads, plugin=c.plugin) for c in contenders}
    shape = sessions[contenders[0].label].input_shape
    for c in contenders:
        if (other := sessions[c.label].input_shape) != shape:
            raise PatternliteError(
                f"{contenders[0].path} reads images of {shape}, {c.path} of {other}: "
                "convert both for one shape"
            )
    if image is None:
        image = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    outputs = {label: session.run(image) for label, session in sessions.items()}
    stock = {c.path: outputs[c.label] for c in contenders if not c.plugin}
    for path, output in stock.items():
        if not np.isfinite(output).all():
            raise PatternliteError(
                f"{path.name} answers with NaN or infinity in stock {runtime_name}: train or convert it again"
            )
    differences: dict[str, float | None] = {c.label: None for c in contenders}
    for c in contenders:
        if c.plugin and c.path in stock:
            what = f"{c.path.name} in {runtime_name} with the plugin"
            differences[c.label] = require_equal(what, stock[c.path], outputs[c.label], TOLERANCE)
    bursts = {label: timed(s.invoke, before=s.restore_input) for label, s in sessions.items()}
    rounds = interleave(bursts, seconds=seconds)
    return [
        Latency(
            runtime_name, threads, c.label, c.plugin, Timing.of_rounds(rounds[c.label]), differences[c.label]
        )
        for c in contenders
    ]


def speed_up(baseline: Latency, latency: Latency) -> float:
    """The ratio of the minima, which are the calls that nothing else on the machine disturbed."""
    return baseline.timing.minimum / latency.timing.minimum
