"""Long work that may be stopped: what stays of it is what the next run goes on from, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..support.files import make_folder
from .app import first_process


@contextlib.contextmanager
def resumable(folder: Path, checkpoint: Path) -> Iterator[None]:
    """Makes the folder that the work within writes to.

    Where that ends early, a checkpoint that holds no work goes again, and so do folders that were made for
    nothing. After Ctrl-C the KeyboardInterrupt says what the next run goes on from, if there is anything.
    """
    from patternlite.pruning.support.checkpoint import discard, holds_work

    made = [part for part in (folder, *folder.parents) if not part.exists()]
    make_folder(folder)
    try:
        yield
    except BaseException as error:
        if holds_work(checkpoint):
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(f"the same command goes on from {checkpoint}") from None
        elif first_process():
            with contextlib.suppress(OSError):  # the error says more
                discard(checkpoint)
        for part in made:
            with contextlib.suppress(OSError):  # something was written to it
                part.rmdir()
        raise
