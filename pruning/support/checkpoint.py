"""What a long run has finished so far, on disk: a run that was killed resumes from it, with the same bits."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from patternlite.support.files import write_atomically

from .distributed import Group

_FORMAT = "patternlite.checkpoint.1"
_ANSWERS = "answers"  # the step that tells models apart; it is not work that anybody would miss
_ROUNDING = 1e-3  # relative difference of answers with another number of threads or another GPU


@dataclass(frozen=True)
class Record:
    """The outcome of one step.  values: anything that JSON can hold; tuples come back as lists."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class Checkpoint:
    """Finished steps by name, one safetensors file each. Without a folder it keeps nothing.

    fingerprint: of the weights and options. A folder with another one is refused (ValueError), unless that
        run finished nothing: after an error, users run again with the other options that it advised.
    Only the group's first process touches the disk; it sends the others what it read.
    """

    def __init__(self, folder: Path | str | None, fingerprint: str, group: Group) -> None:
        self._folder = Path(folder) if folder and group.first else None
        self._fingerprint, self._group = fingerprint, group
        self._given = folder

    def step(self, name: str, make: Callable[[], Record]) -> Record:
        """The step's outcome, from the disk if it was finished before; otherwise it is made now, and kept."""
        record = self.load(name)
        if record is None:
            record = make()
            self.save(name, record)
        return record

    def require_same_answers(self, answers: list[Tensor]) -> None:
        """Raises ValueError unless the model still answers so: the same weights may be used differently.

        Answers are not part of the fingerprint because they may differ by rounding; integers, which may jump,
        are left out.
        """
        numbers = [
            answer.detach().float().nan_to_num().cpu() for answer in answers if answer.is_floating_point()
        ]
        now = self._group.from_first({str(i): values.clone() for i, values in enumerate(numbers)})
        before = self.step(_ANSWERS, lambda: Record(now)).tensors
        if not (now.keys() == before.keys() and all(_alike(now[key], before[key]) for key in now)):
            if self._group.made_by_first(self._holds_work):
                raise self._refusal()
            self.save(_ANSWERS, Record(now))

    def load(self, name: str) -> Record | None:
        if self._given is None:
            return None
        return self._group.made_by_first(lambda: self._read(name))

    def save(self, name: str, record: Record) -> None:
        """A kill leaves the whole file or none. If the first process fails, all do."""
        if self._given is not None:
            self._group.made_by_first(lambda: self._write(name, record))

    def _write(self, name: str, record: Record) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = _file(self._folder, name)
        tensors = {key: value.detach().cpu().contiguous() for key, value in record.tensors.items()}
        metadata = {
            "format": _FORMAT,
            "fingerprint": self._fingerprint,
            "values": json.dumps(record.values),
        }
        write_atomically(path, save(tensors, metadata))

    def discard(self) -> None:
        """Deletes what was finished, once it is of no use because the next run needs other options.

        If the disk does not allow that, the next run is refused, and says what to delete.
        """
        if self._folder is not None:
            with suppress(OSError):
                discard(self._folder)

    def _holds_work(self) -> bool:
        return self._folder is not None and holds_work(self._folder)

    def _read(self, name: str) -> Record | None:
        if self._folder is None or not (path := _file(self._folder, name)).is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged ({error}): delete {self._folder} to begin anew") from error
        ours = metadata.get("format") == _FORMAT
        if not ours or metadata.get("fingerprint") != self._fingerprint:
            if not ours or self._holds_work():
                raise self._refusal()
            return None
        return Record(tensors, json.loads(metadata["values"]))

    def _refusal(self) -> ValueError:
        return ValueError(
            f"{self._given} is the checkpoint of another model, of other weights or of other options: "
            "delete it to begin anew, or give another folder"
        )


def holds_work(folder: Path) -> bool:
    """Whether there is anything that a run could resume from."""
    return any(path != _file(folder, _ANSWERS) for path in folder.glob("*.safetensors"))


def discard(folder: Path) -> None:
    """Deletes a checkpoint: its own files, and the folder if it holds no others."""
    for path in (*folder.glob("*.safetensors"), *folder.glob(".*.safetensors.*.part")):
        if path.suffix == ".part" or _is_ours(path):
            path.unlink()
    with suppress(OSError):  # somebody else's files are there, or there is no folder
        folder.rmdir()


def _is_ours(path: Path) -> bool:
    with suppress(SafetensorError), safe_open(path, framework="pt") as file:
        return (file.metadata() or {}).get("format") == _FORMAT
    return False


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).norm() <= _ROUNDING * other.norm())


def _file(folder: Path, name: str) -> Path:
    return folder / f"{quote(name, safe=' ')}.safetensors"  # names of layers may contain slashes
