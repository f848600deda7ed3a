"""How long layers take in this engine on this machine, dense and pruned: measured once and kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from patternlite.support.files import write_atomically
from patternlite.support.native import load_native

from .model.graph import Site, kind_of
from .structures import DENSE, Structure, distinct
from .support.fingerprint import digest_of

_POINTS = 3  # shares of the weights at which a structure is timed; time is nearly linear in them
_LEAST_RATE = 2.25  # at lower rates the engine may run a layer dense, so that its time is on another line
_SECONDS = 0.05  # at most, for each entry
_WHOLE = 20.0  # at most, for all entries of a model
_ROUNDS = 2  # each entry is timed in every round: a disturbance seldom hits both


@dataclass(frozen=True)
class LayerTimes:
    """How long one layer takes to run once, in seconds.

    points: structure's name -> (share of the weights that stays, seconds), ascending.
    """

    dense: float
    points: Mapping[str, list[tuple[float, float]]]

    def at(self, structure: str, shares: Tensor) -> Tensor:
        """Seconds, (n,), if these shares of the weights stay: on lines through the measured points."""
        x, seconds = torch.tensor(self.points[structure], dtype=torch.float64).T.contiguous()
        seconds = seconds.cummax(0).values  # more weights are never faster, except by noise
        if len(x) == 1:
            return seconds.expand(len(shares))
        right = torch.bucketize(shares, x).clamp(1, len(x) - 1)
        t = (shares - x[right - 1]) / (x[right] - x[right - 1])
        return torch.lerp(seconds[right - 1], seconds[right], t.clamp_min(0))


def timing_key(threads: int) -> dict[str, str | int]:
    """Everything that times depend on besides the layer; with another key they mean nothing."""
    native = load_native()
    return {
        "cpu": native.cpu_model(),
        "isa": native.current_isa(),
        "engine": native.engine_build(),
        "threads": threads,
    }


class TimeTable:
    """(layer's geometry, structure, patterns, tiles that stay) -> seconds, for one machine and thread count.

    Kept in a file in the user's cache folder ($XDG_CACHE_HOME or ~/.cache), if there is one. Files of other
    machines, engines or instruction sets have other names; a file that cannot be read is replaced.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._native = load_native()
        self._machine = timing_key(threads)
        name = hashlib.sha256(json.dumps(self._machine).encode()).hexdigest()[:16]
        folder = _cache_folder()
        self.path = folder and folder / "times" / f"{name}.json"
        self._seconds = self._read()

    def measure(
        self,
        sites: Sequence[Site],
        pruned: Set[str],
        libraries: Mapping[tuple[int, ...], Tensor],
        structures: Sequence[Structure],
        advance: Callable[[float], None],
    ) -> dict[str, LayerTimes]:
        """Site's name -> its times; those that the table lacks are measured, in at most about 20 seconds.

        sites: all convolutions; those named in `pruned` are timed with every structure, the others dense.
        libraries: kernel size -> bool (P, T).
        advance: called with the fraction done.
        """
        wanted: dict[str, _Entry] = {}
        dense: dict[str, str] = {}
        points: dict[str, dict[str, list[tuple[float, str]]]] = {}
        for site in sites:
            shape = site.conv.weight.shape
            library = libraries.get(tuple(shape[2:]), torch.ones(1, shape[2:].numel(), dtype=torch.bool))
            whole = _Entry(site, library, DENSE, 1)
            dense[site.name] = whole.key
            wanted[whole.key] = whole
            points[site.name] = {}
            for structure in distinct(structures, library) if site.name in pruned else ():
                counts = structure.counts(shape, library, _POINTS, _LEAST_RATE).flip(0)
                shares = 1 / structure.rate(shape, library, counts)
                entries = [_Entry(site, library, structure, count) for count in counts.tolist()]
                wanted |= {entry.key: entry for entry in entries}
                keys = [entry.key for entry in entries]
                points[site.name][structure.name] = list(zip(shares.tolist(), keys, strict=True))
        self._fill([entry for key, entry in wanted.items() if key not in self._seconds], advance)
        return {
            name: LayerTimes(
                self._seconds[dense[name]],
                {
                    structure: [(share, self._seconds[key]) for share, key in at]
                    for structure, at in points[name].items()
                },
            )
            for name in points
        }

    def _fill(self, entries: list[_Entry], advance: Callable[[float], None]) -> None:
        each = min(_SECONDS, _WHOLE / max(len(entries), 1)) / _ROUNDS
        for turn in range(_ROUNDS):
            for i, entry in enumerate(entries):
                seconds = entry.time(self._native, self._threads, each)
                self._seconds[entry.key] = min(seconds, self._seconds.get(entry.key, seconds))
                advance((turn + (i + 1) / len(entries)) / _ROUNDS)
        if entries:
            self._write()

    def _read(self) -> dict[str, float]:
        if self.path is None:
            return {}
        try:
            content = json.loads(self.path.read_text())
            if content["machine"] == self._machine:
                return {str(key): float(value) for key, value in content["seconds"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return {}

    def _write(self) -> None:
        """Does nothing without a cache folder."""
        if self.path is None:
            return
        content = {"machine": self._machine, "seconds": self._seconds}
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, json.dumps(content, indent=1))


def _cache_folder() -> Path | None:
    """None if there is no home folder, as for users unknown to the system, in some containers."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "patternlite")
    except RuntimeError:
        return None


@dataclass(frozen=True)
class _Entry:
    """What is timed: a layer's geometry with a structure."""

    site: Site
    library: Tensor
    structure: Structure
    tiles: int

    @property
    def key(self) -> str:
        conv = self.site.conv
        numbers = (
            tuple(conv.weight.shape), self.site.in_size, self.site.out_size, conv.stride, conv.dilation,
            self.site.padding, conv.groups, self.tiles,
        )  # fmt: skip
        patterns = digest_of({"": self.library})[:16] if self.structure.patterned else ""
        return f"{self.structure.name} {numbers} {patterns}"

    def time(self, native: ModuleType, threads: int, seconds: float) -> float:
        """Seconds, with random weights: what counts is how many kernels stay and how they share."""
        conv = self.site.conv
        depthwise = kind_of(conv) == "depthwise"
        # The engine leaves other grouped convolutions to the runtime; here their groups run one by one.
        runs = 1 if depthwise else conv.groups
        shape = torch.Size((conv.out_channels // runs, *conv.weight.shape[1:]))
        weight = torch.randn(shape, generator=torch.Generator().manual_seed(0)).flatten(2)
        mask = self.structure.constraint(self.tiles, self.library.cpu()).project(weight)
        fastest, _ = native.time_convolution(
            (weight * mask).reshape(shape).numpy(),
            self.site.in_size,
            self.site.out_size,
            conv.stride,
            conv.dilation,
            self.site.padding,
            depthwise,
            threads,
            seconds,
        )
        return fastest * runs
