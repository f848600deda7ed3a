"""Long work that may be stopped: it leaves behind what the next run resumes from, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..support.files import make_folder
from .app import first_process


@contextlib.contextmanager
def resumable(folder: Path, checkpoint: Path) -> Iterator[None]:
    """Makes the folder that the work in this context writes to.

    If the work ends early, a checkpoint that holds nothing is removed, and so are folders that were made and
    are still empty. After Ctrl-C the KeyboardInterrupt says what the next run resumes from, if anything.
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
