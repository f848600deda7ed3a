"""The layer times that a run's choices are based on: taken first, to refuse an unreachable latency early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from torch import Tensor

from . import checks, codesign
from .config import PruneConfig
from .latency import LayerTimes, TimeTable, timing_key
from .model.graph import Trace
from .support.checkpoint import Checkpoint, Record
from .support.distributed import Group
from .support.progress import Schedule


def times_within_reach(
    config: PruneConfig,
    traced: Trace,
    libraries: Mapping[tuple[int, ...], Tensor],
    group: Group,
    store: Checkpoint,
    schedule: Schedule,
) -> dict[str, LayerTimes] | None:
    """Name -> times of each convolution, taken by the first process; None if time is no budget.

    They are kept with the run, since they are never the same twice. Raises ValueError if the latency is out
    of reach whatever errors are accepted, and if a resumed run's times were taken on another machine.
    """
    if "latency" not in config.budgets:
        return None
    here = group.made_by_first(lambda: timing_key(config.threads))

    def take() -> dict[str, LayerTimes]:
        with schedule.stage("time"):
            convs, pruned = [*traced.sites, *traced.left], {site.name for site in traced.sites}
            table = TimeTable(config.threads)
            structures = codesign.structures_of(config)
            times = table.measure(convs, pruned, libraries, structures, schedule.advance)
        try:
            _require_reach(config, traced, libraries, times)
        except ValueError as error:
            store.discard()
            remedy = f"delete {table.path}" if table.path else "begin again"
            raise ValueError(f"{error}. If the machine was busy when it was timed, {remedy}") from error
        return times

    def make() -> Record:
        times = group.made_by_first(take)
        return Record(values={"machine": here, "layers": {name: asdict(t) for name, t in times.items()}})

    values = store.step("times", make).values
    checks.require_machine(values["machine"], here)
    return {name: LayerTimes(**times) for name, times in values["layers"].items()}


def _require_reach(
    config: PruneConfig,
    traced: Trace,
    libraries: Mapping[tuple[int, ...], Tensor],
    times: Mapping[str, LayerTimes],
) -> None:
    """Raises ValueError if the latency is out of reach even when errors do not matter."""
    curves = codesign.lossless(config, traced, libraries)
    codesign.choose(replace(config, rate=None, macs=None), traced, libraries, curves, times)
