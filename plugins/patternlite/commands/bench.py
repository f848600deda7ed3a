"""Times one model in every runtime that can run it, stock against plugin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import PatternliteError
from ..runtimes.installed import Runtime, require_installed, runtime_named, runtimes_for
from ..runtimes.latency import Contender, Latency, measure_latency
from ..support.files import require_file
from ..support.isolated import Isolated, ProcessDiedError
from ..support.progress import Stages


def bench(
    model: Path,
    dense: Path | None,
    runtime_names: Sequence[str],
    threads: Sequence[int],
    seconds: float,
    stages: Stages,
) -> list[Latency]:
    """Interleaved latencies: stock on the dense model (if given), stock, plugin.

    runtime_names: empty for every installed runtime that runs the file.  seconds: for each runtime and thread
    count. Raises OutputMismatchError when the plugin's answer differs from the stock runtime's.
    """
    for path in (model, dense):
        if path is not None:
            require_file(path)
    if dense is not None and dense.suffix != model.suffix:
        raise PatternliteError(f"{dense} and {model} run in different runtimes; give two files of one kind")
    contenders = [Contender("stock", model), Contender("plugin", model, plugin=True)]
    if dense is not None:
        contenders.insert(0, Contender("stock, dense model", dense))
    latencies: list[Latency] = []
    for runtime in _chosen(model, runtime_names):
        with stages.stage(runtime.name) as advance, Isolated() as process:
            for i, count in enumerate(threads):
                advance(f"threads {count}", i / len(threads))
                try:
                    latencies += process.call(
                        measure_latency, runtime.name, contenders, threads=count, seconds=seconds
                    )
                except ProcessDiedError as error:
                    files = " or ".join(str(path) for path in (dense, model) if path is not None)
                    raise PatternliteError(
                        f"{files} is damaged, maybe cut short: {runtime.name} crashed on it ({error}); "
                        "copy or convert it again"
                    ) from error
    return latencies


def _chosen(model: Path, names: Sequence[str]) -> list[Runtime]:
    if not names:
        return runtimes_for(model.suffix)
    chosen = [runtime_named(name) for name in names]
    for runtime in chosen:
        if runtime.suffix != model.suffix:
            raise PatternliteError(f"{runtime.name} runs {runtime.suffix} files, not {model.name}")
        require_installed(runtime)
    return chosen
