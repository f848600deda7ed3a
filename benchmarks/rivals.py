"""What runs a model file: one small adaptor each. A new rival is one more entry of RIVALS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patternlite.runtimes import RUNTIMES, Runtime, Session, open_session


@dataclass(frozen=True)
class Rival:
    """A runtime, with our plugin or as it is.

    process: rivals of the same name can share one process, those of different names may not.
    suffix: of the files it runs.  version: None when it is not installed.
    open: file, threads -> the loaded model.
    """

    process: str
    suffix: str
    version: Callable[[], str | None]
    open: Callable[[Path, int], Session]


def _of(runtime: Runtime, plugin: bool) -> Rival:
    return Rival(
        runtime.name,
        runtime.suffix,
        lambda: runtime.version,
        lambda path, threads: open_session(runtime, path, threads=threads, plugin=plugin),
    )


# "mnn" and "patternlite in mnn", ...
RIVALS = {
    ("patternlite in " if plugin else "") + runtime.name: _of(runtime, plugin)
    for runtime in RUNTIMES
    for plugin in (False, True)
}
